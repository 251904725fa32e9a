// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/s3_test_bench.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cloudsync::storage::s3 {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::source_of;
using ::testing::StartsWith;

constexpr char kEmptySha256[] =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr char kEmptyList[] =
    "<ListBucketResult><Prefix/><IsTruncated>false</IsTruncated></ListBucketResult>";

// What the store does to any request on its way, seen through the simplest operations.
class S3Client : public testing::StoreTest {
 protected:
  PutResult put(const std::string& key, const std::string& text) {
    PutRequest request;
    request.key = {key};
    MemorySource source = source_of(text);
    return store().put(request, source, {});
  }
  void answer_put() { answer(200, {{"ETag", "\"e\""}}); }
  void list() { store().list({}, {}); }
};

TEST_F(S3Client, RequestsAreSignedForTheRegionAndTheHost) {
  answer_put();
  put("a b/../c//ü", "x");
  EXPECT_EQ(last().method, "PUT");
  EXPECT_EQ(last().url, "https://bucket.s3.eu-west-1.amazonaws.com/a%20b/../c//%C3%BC");
  EXPECT_EQ(last().header("host"), "bucket.s3.eu-west-1.amazonaws.com");
  EXPECT_EQ(last().header("x-amz-date"), "20230722T042640Z");
  EXPECT_THAT(
      last().header("authorization"),
      StartsWith("AWS4-HMAC-SHA256 Credential=AK0/20230722/eu-west-1/s3/aws4_request"));
}

TEST_F(S3Client, OverTlsThePayloadIsLeftToTls) {
  answer_put();
  put("k", "hello");
  EXPECT_EQ(last().header("x-amz-content-sha256"), "UNSIGNED-PAYLOAD");
  EXPECT_EQ(last().body, "hello");
}

TEST_F(S3Client, OverPlainHttpThePayloadIsSignedAndStillSentWhole) {
  use_endpoint("http://127.0.0.1:9000");
  answer_put();
  put("k", "hello");
  EXPECT_EQ(last().header("x-amz-content-sha256"),
            "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
  EXPECT_EQ(last().body, "hello");
  EXPECT_EQ(last().url, "http://127.0.0.1:9000/bucket/k");
}

TEST_F(S3Client, AKnownSha256SparesTheExtraPass) {
  use_endpoint("http://127.0.0.1:9000");
  answer_put();
  PutRequest request;
  request.key = {"k"};
  request.sha256 = Sha256Digest{1, 2, 3};
  MemorySource source = source_of("hello");
  store().put(request, source, {});
  EXPECT_THAT(last().header("x-amz-content-sha256"), StartsWith("010203000"));
}

TEST_F(S3Client, SessionTokensAreSentAndSigned) {
  answer(200, {}, kEmptyList);
  store();
  credentials_->token = "session";
  list();
  EXPECT_EQ(last().header("x-amz-security-token"), "session");
  EXPECT_THAT(last().header("authorization"), HasSubstr("x-amz-security-token"));
  EXPECT_EQ(last().header("x-amz-content-sha256"), kEmptySha256);
}

TEST_F(S3Client, AnonymousRequestsCarryNoSignature) {
  answer(200, {}, kEmptyList);
  store();
  credentials_->anonymous = true;
  list();
  EXPECT_EQ(last().header("authorization"), "");
  EXPECT_EQ(last().header("x-amz-date"), "");
}

TEST_F(S3Client, AWrongClockIsCorrectedOnceAndRemembered) {
  clock_.now += 3600LL * 1'000'000'000;
  answer_error(403, "RequestTimeTooSkewed",
               "<ServerTime>2023-07-22T04:26:40Z</ServerTime>");
  answer_put();
  answer_put();
  put("k", "body");
  ASSERT_EQ(sent().size(), 2U);
  EXPECT_EQ(sent()[0].header("x-amz-date"), "20230722T052640Z");
  EXPECT_EQ(sent()[1].header("x-amz-date"), "20230722T042640Z");
  EXPECT_EQ(sent()[1].body, "body");
  put("k", "body");
  EXPECT_EQ(last().header("x-amz-date"), "20230722T042640Z");
}

TEST_F(S3Client, ABodylessRefusalWithADistantDateIsTakenForAWrongClock) {
  clock_.now -= 3600LL * 1'000'000'000;
  answer(403);
  answer(404);
  EXPECT_FALSE(store().head({"k"}, {}).has_value());
  EXPECT_EQ(last().header("x-amz-date"), "20230722T042640Z");
}

TEST_F(S3Client, AClockThatIsRightIsNotCorrected) {
  answer_error(403, "SignatureDoesNotMatch");
  EXPECT_EQ(error_of([&] { list(); }).code(), ErrorCode::kUnauthenticated);
  EXPECT_EQ(sent().size(), 1U);
}

TEST_F(S3Client, ARedirectedRegionIsFollowedOnceAndRemembered) {
  answer(301, {{"x-amz-bucket-region", "us-west-2"}},
         "<Error><Code>PermanentRedirect</Code></Error>");
  answer_put();
  answer_put();
  put("k", "body");
  ASSERT_EQ(sent().size(), 2U);
  EXPECT_EQ(sent()[1].url, "https://bucket.s3.us-west-2.amazonaws.com/k");
  EXPECT_THAT(sent()[1].header("authorization"), HasSubstr("/us-west-2/s3/"));
  EXPECT_EQ(sent()[1].body, "body");
  put("k", "body");
  EXPECT_THAT(last().header("authorization"), HasSubstr("/us-west-2/s3/"));
}

TEST_F(S3Client, ARegionNamedOnlyInTheDocumentIsTaken) {
  use_endpoint("http://127.0.0.1:9000");
  answer_error(400, "AuthorizationHeaderMalformed", "<Region>home</Region>");
  answer(200, {}, kEmptyList);
  list();
  EXPECT_THAT(last().header("authorization"), HasSubstr("/home/s3/"));
  EXPECT_THAT(last().url, StartsWith("http://127.0.0.1:9000/bucket?"));
}

TEST_F(S3Client, ARedirectThatNamesNoRegionIsAskedForIt) {
  answer_error(301, "PermanentRedirect");
  answer(403, {{"x-amz-bucket-region", "us-west-2"}});
  answer(200, {}, kEmptyList);
  list();
  ASSERT_EQ(sent().size(), 3U);
  EXPECT_EQ(sent()[1].method, "HEAD");
  EXPECT_THAT(sent()[2].header("authorization"), HasSubstr("/us-west-2/s3/"));
}

TEST_F(S3Client, ARegionThatIsNoRegionNeverReachesAHostName) {
  answer(301, {{"x-amz-bucket-region", "evil.example/#"}},
         "<Error><Code>PermanentRedirect</Code></Error>");
  EXPECT_EQ(error_of([&] { list(); }).code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(sent().size(), 1U);
}

TEST_F(S3Client, RedirectsInACircleEnd) {
  answer(301, {{"x-amz-bucket-region", "us-west-2"}});
  answer(301, {{"x-amz-bucket-region", "eu-west-1"}});
  EXPECT_EQ(error_of([&] { list(); }).code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(sent().size(), 2U);
}

TEST_F(S3Client, ExpiredCredentialsAreFetchedAgainOnce) {
  answer_error(400, "ExpiredToken");
  answer_put();
  store();
  credentials_->last_generation = 1;
  put("k", "body");
  ASSERT_EQ(sent().size(), 2U);
  EXPECT_THAT(sent()[1].header("authorization"), HasSubstr("Credential=AK1/"));
  EXPECT_EQ(sent()[1].body, "body");
}

TEST_F(S3Client, CredentialsThatCannotBeRenewedAreToldAsTheyWereRefused) {
  answer_error(400, "ExpiredToken");
  const Error error = error_of([&] { list(); });
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(error.what(), HasSubstr("ExpiredToken: In its own words."));
  EXPECT_EQ(sent().size(), 1U);
}

TEST_F(S3Client, RefusedCredentialsAreToldWithTheirOrigin) {
  answer_error(400, "ExpiredToken");
  EXPECT_THAT(error_of([&] { list(); }).what(),
              HasSubstr("the credentials come from test"));
  answer_error(403, "AccessDenied");
  EXPECT_THAT(
      error_of([&] { put("k", "x"); }).what(),
      HasSubstr(
          "the credentials need s3:PutObject on this key; give it in the bucket "
          "policy or the IAM policy of the identity behind the credentials (test)"));
}

// The chain says why there are no fresh ones; nothing is tried again.
TEST_F(S3Client, AFailedRenewalIsToldAtOnceWithTheOrigin) {
  answer_error(400, "ExpiredToken");
  store();
  credentials_->renewal_failure = "the login session has ended";
  const Error error = error_of([&] { list(); });
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_FALSE(error.retryable());
  EXPECT_THAT(error.what(), HasSubstr("refused the credentials (test) as expired"));
  EXPECT_THAT(error.what(), HasSubstr("the login session has ended"));
  EXPECT_EQ(sent().size(), 1U);
}

TEST_F(S3Client, NothingElseIsSentTwice) {
  for (const int status : {500, 503, 429, 409}) {
    answer(status);
    const std::size_t before = sent().size();
    error_of([&] { put("k", "x"); });
    EXPECT_EQ(sent().size(), before + 1) << status;
  }
}

TEST_F(S3Client, AnErrorInsideASuccessIsAnError) {
  answer_error(200, "InternalError");
  const Error error = error_of([&] { list(); });
  EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  EXPECT_TRUE(error.retryable());
}

TEST_F(S3Client, NetworkFailuresNameTheOperation) {
  transport().expect(
      [](const http::HttpRequest&, const std::string&, ByteSink*) -> http::HttpResponse {
        throw Error(ErrorCode::kUnavailable, "connection refused");
      });
  const Error error = error_of([&] { put("k", "x"); });
  EXPECT_STREQ(error.what(),
               "PutObject of \"k\" in s3://bucket at https://s3.eu-west-1.amazonaws.com: "
               "connection refused");
  EXPECT_TRUE(error.retryable());
}

TEST_F(S3Client, SecretsNeverEnterAMessage) {
  answer_error(403, "SignatureDoesNotMatch");
  store();
  credentials_->token = "session-token";
  const std::string message = error_of([&] { list(); }).what();
  EXPECT_THAT(message, Not(HasSubstr("session-token")));
  EXPECT_THAT(message, Not(HasSubstr("Signature=")));
}

TEST_F(S3Client, AStoppedCallerSendsNothing) {
  std::stop_source stop;
  stop.request_stop();
  const CallContext context{stop.get_token(), {}};
  EXPECT_EQ(error_of([&] { store().list({}, context); }).code(), ErrorCode::kCancelled);
  EXPECT_TRUE(sent().empty());
}

}  // namespace
}  // namespace cloudsync::storage::s3

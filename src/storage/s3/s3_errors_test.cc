// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/s3_errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cloudsync::storage::s3 {
namespace {

using ::testing::HasSubstr;

const FailureSite kPut{{"PutObject", "s3:PutObject"},
                       "data",
                       "a\x01"
                       "b",
                       "https://host"};

ServiceFailure failure(int status, const std::string& code) {
  ServiceFailure out;
  out.status = status;
  out.code = code;
  out.message = "In its own words.";
  out.request_id = "REQ1";
  out.credentials = "the environment";
  return out;
}

Error error_for(int status, const std::string& code) {
  return make_error(failure(status, code), kPut);
}

TEST(S3Errors, MessageSaysWhatWhereTheServicesWordsAndWhatToDo) {
  const Error error = error_for(403, "AccessDenied");
  EXPECT_STREQ(
      error.what(),
      "PutObject of \"a\\x01b\" in s3://data at https://host: AccessDenied: In its own "
      "words. (HTTP 403, request id REQ1); the credentials need s3:PutObject on this "
      "key; give it in the bucket policy or the IAM policy of the identity behind the "
      "credentials (the environment); a policy may also deny it");
  EXPECT_EQ(error.detail().provider_code, "AccessDenied");
  EXPECT_EQ(error.detail().http_status, 403);
  EXPECT_EQ(error.detail().request_id, "REQ1");
}

TEST(S3Errors, CodesTellTheCallerWhatToDoNext) {
  const struct {
    int status;
    const char* code;
    ErrorCode expected;
    bool retryable;
  } cases[] = {
      {404, "NoSuchBucket", ErrorCode::kNotFound, false},
      {404, "NoSuchUpload", ErrorCode::kNotFound, false},
      {403, "InvalidAccessKeyId", ErrorCode::kUnauthenticated, false},
      {403, "SignatureDoesNotMatch", ErrorCode::kUnauthenticated, false},
      {400, "ExpiredToken", ErrorCode::kUnauthenticated, false},
      {403, "RequestTimeTooSkewed", ErrorCode::kUnauthenticated, false},
      {403, "AccessDenied", ErrorCode::kPermissionDenied, false},
      {403, "", ErrorCode::kPermissionDenied, false},
      {401, "", ErrorCode::kUnauthenticated, false},
      {503, "SlowDown", ErrorCode::kThrottled, true},
      {503, "", ErrorCode::kThrottled, true},
      {429, "", ErrorCode::kThrottled, true},
      {200, "SlowDown", ErrorCode::kThrottled, true},
      {400, "RequestTimeout", ErrorCode::kUnavailable, true},
      {500, "InternalError", ErrorCode::kUnavailable, true},
      {200, "InternalError", ErrorCode::kUnavailable, true},
      {200, "NeverHeardOf", ErrorCode::kUnavailable, true},
      {502, "", ErrorCode::kUnavailable, true},
      {409, "ConditionalRequestConflict", ErrorCode::kUnavailable, true},
      {400, "BadDigest", ErrorCode::kDataCorrupt, true},
      {400, "XAmzContentSHA256Mismatch", ErrorCode::kDataCorrupt, true},
      {400, "InvalidDigest", ErrorCode::kDataCorrupt, true},
      {403, "InvalidObjectState", ErrorCode::kArchived, false},
      {412, "PreconditionFailed", ErrorCode::kPreconditionFailed, false},
      {409, "ExistingObjectIsDirectory", ErrorCode::kUnsupported, false},
      {501, "NotImplemented", ErrorCode::kUnsupported, false},
      {400, "KeyTooLongError", ErrorCode::kInvalidArgument, false},
      {400, "", ErrorCode::kInvalidArgument, false},
  };
  for (const auto& test : cases) {
    const Error error = error_for(test.status, test.code);
    EXPECT_EQ(error.code(), test.expected) << test.status << " " << test.code;
    EXPECT_EQ(error.retryable(), test.retryable) << test.status << " " << test.code;
  }
}

TEST(S3Errors, AMissingBucketIsToldWithTheSettingToCheck) {
  EXPECT_THAT(error_for(404, "NoSuchBucket").what(), HasSubstr("check storage.bucket"));
}

TEST(S3Errors, AWrongRegionIsToldWithTheRightOne) {
  ServiceFailure wrong = failure(400, "AuthorizationHeaderMalformed");
  wrong.region = "eu-west-3";
  EXPECT_THAT(make_error(wrong, kPut).what(),
              HasSubstr("set storage.region to eu-west-3"));
}

TEST(S3Errors, AStatusWithoutADocumentIsStillAMessage) {
  ServiceFailure bare;
  bare.status = 403;
  const FailureSite head{{"HeadObject", "s3:GetObject"}, "data", "k", "https://host"};
  EXPECT_THAT(make_error(bare, head).what(),
              HasSubstr(": HTTP 403; the credentials need s3:GetObject on this key (and "
                        "s3:ListBucket"));
}

TEST(S3Errors, RetryAfterReachesTheRetryLoop) {
  ServiceFailure slow = failure(503, "SlowDown");
  slow.retry_after = std::chrono::milliseconds(1500);
  EXPECT_EQ(make_error(slow, kPut).detail().retry_after, std::chrono::milliseconds(1500));
}

TEST(S3Errors, RefusedCredentialsAreToldWithTheirOrigin) {
  for (const char* code : {"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken",
                           "InvalidToken", "AuthFailure"}) {
    const Error error = error_for(403, code);
    EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
    EXPECT_THAT(error.what(), HasSubstr("the credentials come from the environment"));
  }
  EXPECT_THAT(error_for(404, "NoSuchKey").what(),
              ::testing::Not(HasSubstr("the environment")));
}

TEST(S3Errors, ARefusedAnonymousRequestIsToldThatItCarriedNothing) {
  ServiceFailure refused = failure(403, "AccessDenied");
  refused.credentials.clear();
  EXPECT_THAT(make_error(refused, kPut).what(),
              HasSubstr("s3:PutObject on this key; give it to everyone in the bucket "
                        "policy, or give credentials: this request carried none"));
}

TEST(S3Errors, AKmsKeyThatCannotBeUsedIsToldWithItsSetting) {
  const Error error = error_for(400, "KMS.DisabledException");
  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.what(), HasSubstr("check storage.sse_kms_key_id"));
  EXPECT_EQ(error_for(404, "kms:KeyNotFound").code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace cloudsync::storage::s3

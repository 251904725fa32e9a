// SPDX-License-Identifier: Apache-2.0
#include "storage/azure/azure_test_bench.h"

namespace cloudsync::storage::azure {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::source_of;

class AzureClientTest : public testing::StoreTest {};

TEST_F(AzureClientTest, EveryRequestCarriesVersionDateAndItsOwnId) {
  put("k", "1");
  const std::string first = last().header("x-ms-client-request-id");
  put("k", "2");
  EXPECT_EQ(last().header("x-ms-version"), "2023-11-03");
  EXPECT_EQ(last().header("x-ms-date"), "Sat, 22 Jul 2023 04:26:40 GMT");
  EXPECT_EQ(first.size(), 36U);
  EXPECT_NE(last().header("x-ms-client-request-id"), first);
  EXPECT_EQ(last().url, "https://acct.blob.core.windows.net/box/k");
}

TEST_F(AzureClientTest, AWrongClockIsPutRightAndTheBodySentAgain) {
  service_.now_ns += 3'600'000'000'000;
  EXPECT_EQ(put("k", "text").outcome, Outcome::kOk);
  EXPECT_EQ(service_.blobs["k"].content, "text");
  EXPECT_EQ(sent().size(), 2U);
  put("k", "again");
  EXPECT_EQ(sent().size(), 3U);
}

TEST_F(AzureClientTest, AWrongKeyIsRefusedAtOnceAndNeverShown) {
  options_.credentials["account_key"] = "d3Jvbmcta2V5LW9mLW5vYm9keQ==";
  const Error error = error_of([&] { store().list({}, {}); });
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_FALSE(error.retryable());
  EXPECT_THAT(error.what(), HasSubstr("account_key"));
  EXPECT_THAT(error.what(), Not(HasSubstr("SECRETMAC")));
  EXPECT_EQ(sent().size(), 1U);
}

TEST_F(AzureClientTest, AnExpiredTokenIsRenewedOnceAndTheBodySentAgain) {
  use_tokens(1);
  expect_error(401, "InvalidAuthenticationInfo");
  EXPECT_EQ(put("k", "text").outcome, Outcome::kOk);
  EXPECT_EQ(service_.blobs["k"].content, "text");
  EXPECT_EQ(last().header("authorization"), "Bearer T1");
  EXPECT_EQ(tokens_->renewals, 1);
}

TEST_F(AzureClientTest, ATokenThatCannotBeRenewedEndsTheCall) {
  use_tokens(0);
  expect_error(401, "InvalidAuthenticationInfo",
               "<AuthenticationErrorDetail>Lifetime validation failed."
               "</AuthenticationErrorDetail>");
  const Error error = error_of([&] { put("k", "text"); });
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(error.what(), HasSubstr("listed tokens"));
  use_tokens(0);
}

TEST_F(AzureClientTest, ARenewedTokenThatIsRefusedTooEndsTheCall) {
  use_tokens(5);
  expect_error(401, "InvalidAuthenticationInfo");
  expect_error(401, "InvalidAuthenticationInfo");
  EXPECT_EQ(error_of([&] { put("k", "text"); }).code(), ErrorCode::kUnauthenticated);
  EXPECT_EQ(sent().size(), 2U);
}

TEST_F(AzureClientTest, AMissingRightIsNotTriedAgain) {
  use_tokens(5);
  expect_error(403, "AuthorizationPermissionMismatch");
  EXPECT_EQ(error_of([&] { put("k", "text"); }).code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(tokens_->renewals, 0);
}

TEST_F(AzureClientTest, ABatchWhoseTokenExpiredIsSettledBlobByBlob) {
  use_tokens(1);
  put("a", "1");
  put("b", "1");
  const std::string expired =
      "\r\n\r\nHTTP/1.1 401 Unauthorized\r\nx-ms-error-code: InvalidAuthenticationInfo"
      "\r\n\r\n\r\n";
  expect_answer(
      202, {{"content-type", "multipart/mixed; boundary=B"}},
      "--B\r\nContent-ID: 0" + expired + "--B\r\nContent-ID: 1" + expired + "--B--\r\n");
  const auto results =
      store().remove_many(std::vector<DeleteRequest>{{{"a"}, {}}, {{"b"}, {}}}, {});
  EXPECT_FALSE(results[0].error);
  EXPECT_FALSE(results[1].error);
  EXPECT_TRUE(service_.blobs.empty());
}

TEST_F(AzureClientTest, TheSourceOfACopyCarriesWhatTheServiceNeedsToReadIt) {
  use_tokens(0);
  put("from", "text");
  CopyRequest copy;
  copy.source = {"from"};
  copy.destination = {"to"};
  expect_answer(200, {{"etag", "\"0x1\""},
                      {"content-length", "4"},
                      {"last-modified", "Tue, 10 Jan 2023 23:39:32 GMT"}});
  expect_error(403, "CannotVerifyCopySource",
               "<AuthenticationErrorDetail>https://a/b?sig=SECRET"
               "</AuthenticationErrorDetail>");
  const Error error = error_of([&] { store().copy(copy, {}); });
  EXPECT_EQ(last().header("x-ms-copy-source"),
            "https://acct.blob.core.windows.net/box/from?sig=SECRET");
  EXPECT_THAT(error.what(), Not(HasSubstr("SECRET")));
}

TEST_F(AzureClientTest, AnonymousReadersAreToldThatTheContainerIsClosed) {
  expect_error(404, "ResourceNotFound");
  const Error error = error_of([&] { store().head({"k"}, {}); });
  EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  EXPECT_THAT(error.what(), HasSubstr("anonymous"));
}

TEST_F(AzureClientTest, AStoppedCallSendsNothing) {
  std::stop_source stop;
  stop.request_stop();
  CallContext context;
  context.stop = stop.get_token();
  EXPECT_EQ(error_of([&] { store().list({}, context); }).code(), ErrorCode::kCancelled);
  EXPECT_TRUE(sent().empty());
}

}  // namespace
}  // namespace cloudsync::storage::azure

// SPDX-License-Identifier: Apache-2.0
#include "storage/azure/azure_errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace cloudsync::storage::azure {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const FailureSite kPut{
    {"Put Blob", "w (write)", true}, "box", "k", "https://a", "the SAS"};
const FailureSite kGet{{"Get Blob", "r (read)"}, "box", "k", "https://a", "the SAS"};

Error error_for(const std::string& code, int status, const std::string& detail = "",
                const FailureSite& site = kPut) {
  ServiceFailure failure;
  failure.status = status;
  failure.code = code;
  failure.message = "Its words.\nRequestId:1\nTime:2";
  failure.detail = detail;
  failure.request_id = "REQ";
  return make_error(failure, site);
}

TEST(AzureErrors, SayWhatWhereTheWordsAndWhatToDo) {
  const Error error = error_for("ContainerNotFound", 404);
  EXPECT_STREQ(error.what(),
               "Put Blob of \"k\" in azure://box at https://a: ContainerNotFound: Its "
               "words. (HTTP 404, request id REQ); create the container or check "
               "storage.bucket and the account");
  EXPECT_EQ(error.detail().provider_code, "ContainerNotFound");
}

TEST(AzureErrors, AMissingRightIsNamedByRoleAndBySas) {
  const Error write = error_for("AuthorizationPermissionMismatch", 403);
  EXPECT_EQ(write.code(), ErrorCode::kPermissionDenied);
  EXPECT_THAT(write.what(), AllOf(HasSubstr("Storage Blob Data Contributor"),
                                  HasSubstr("w (write)"), HasSubstr("the SAS")));
  EXPECT_THAT(error_for("AuthorizationPermissionMismatch", 403, "", kGet).what(),
              AllOf(HasSubstr("Storage Blob Data Reader"), HasSubstr("r (read)")));
}

TEST(AzureErrors, TheDetailOfAnAuthenticationFailureDecidesTheAdvice) {
  const std::string expired =
      "Signature not valid in the specified time frame: Start [x] - Expiry [y]";
  EXPECT_THAT(error_for("AuthenticationFailed", 403, expired).what(),
              AllOf(HasSubstr("the SAS has expired"), HasSubstr("Expiry [y]")));
  EXPECT_THAT(error_for("InvalidAuthenticationInfo", 401,
                        "Lifetime validation failed. The token is expired.")
                  .what(),
              HasSubstr("log in again"));
  EXPECT_THAT(
      error_for("InvalidAuthenticationInfo", 401, "Issuer validation failed.").what(),
      HasSubstr("tenant_id"));
  const std::string mac = "The MAC signature found in the HTTP request 'SECRET' is not";
  EXPECT_THAT(error_for("AuthenticationFailed", 403, mac).what(),
              AllOf(HasSubstr("account_key"), Not(HasSubstr("SECRET"))));
}

TEST(AzureErrors, AzuritesAnswerToAWrongKeyAdvisesToCheckTheKey) {
  ServiceFailure failure;
  failure.status = 403;
  failure.code = "AuthorizationFailure";
  failure.message = "Server failed to authenticate the request.";
  EXPECT_THAT(make_error(failure, {}).what(), HasSubstr("check the account key"));
  EXPECT_THAT(error_for("AuthorizationFailure", 403).what(),
              Not(HasSubstr("check the account key")));
}

TEST(AzureErrors, SignaturesOfUrlsAreCutOut) {
  const Error error = error_for("CannotVerifyCopySource", 403,
                                "https://a/b?sv=1&sig=SECRET%3D&se=2 and sig=SECRET");
  EXPECT_THAT(error.what(), AllOf(Not(HasSubstr("SECRET")), HasSubstr("sig=***&se=2")));
}

TEST(AzureErrors, EachCodeSaysWhatTheCallerDoesNext) {
  const std::vector<std::tuple<std::string, int, ErrorCode>> cases{
      {"BlobNotFound", 404, ErrorCode::kNotFound},
      {"ContainerBeingDeleted", 409, ErrorCode::kUnavailable},
      {"InvalidBlockList", 400, ErrorCode::kNotFound},
      {"Md5Mismatch", 400, ErrorCode::kDataCorrupt},
      {"Crc64Mismatch", 400, ErrorCode::kDataCorrupt},
      {"ServerBusy", 503, ErrorCode::kThrottled},
      {"OperationTimedOut", 500, ErrorCode::kUnavailable},
      {"InternalError", 500, ErrorCode::kUnavailable},
      {"BlobArchived", 409, ErrorCode::kArchived},
      {"BlobBeingRehydrated", 409, ErrorCode::kArchived},
      {"LeaseIdMissing", 412, ErrorCode::kPermissionDenied},
      {"ConditionNotMet", 412, ErrorCode::kPreconditionFailed},
      {"AccountIsDisabled", 403, ErrorCode::kPermissionDenied},
      {"AuthenticationFailed", 403, ErrorCode::kUnauthenticated},
      {"BlobImmutableDueToPolicy", 409, ErrorCode::kPermissionDenied},
      {"UnsupportedHeader", 400, ErrorCode::kUnsupported},
      {"", 412, ErrorCode::kPreconditionFailed},
      {"", 401, ErrorCode::kUnauthenticated},
      {"", 403, ErrorCode::kPermissionDenied},
      {"", 429, ErrorCode::kThrottled},
      {"", 502, ErrorCode::kUnavailable},
      {"NeverHeardOf", 409, ErrorCode::kInvalidArgument}};
  for (const auto& [code, status, expected] : cases) {
    EXPECT_EQ(error_for(code, status).code(), expected) << code << " " << status;
  }
}

}  // namespace
}  // namespace cloudsync::storage::azure

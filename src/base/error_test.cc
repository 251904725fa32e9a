// SPDX-License-Identifier: Apache-2.0
#include "cloudsync/error.h"

#include <gtest/gtest.h>

#include <set>

namespace cloudsync {
namespace {

constexpr int kLastCode = static_cast<int>(ErrorCode::kInternal);

TEST(ErrorTest, EveryCodeHasItsOwnName) {
  std::set<std::string_view> names;
  for (int i = 0; i <= kLastCode; ++i)
    names.insert(error_code_name(static_cast<ErrorCode>(i)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(kLastCode) + 1);
  EXPECT_EQ(names.count(""), 0U);
}

TEST(ErrorTest, NamesAreTheStableSpellings) {
  EXPECT_EQ(error_code_name(ErrorCode::kCancelled), "cancelled");
  EXPECT_EQ(error_code_name(ErrorCode::kNotFound), "not_found");
  EXPECT_EQ(error_code_name(ErrorCode::kPreconditionFailed), "precondition_failed");
  EXPECT_EQ(error_code_name(ErrorCode::kLocalIo), "local_io");
  EXPECT_EQ(error_code_name(ErrorCode::kDiskFull), "disk_full");
  EXPECT_EQ(error_code_name(ErrorCode::kInternal), "internal");
}

TEST(ErrorTest, OnlyPassingFailuresAreRetryableByDefault) {
  const std::set<ErrorCode> retryable = {ErrorCode::kThrottled, ErrorCode::kUnavailable,
                                         ErrorCode::kDataCorrupt};
  for (int i = 0; i <= kLastCode; ++i) {
    const auto code = static_cast<ErrorCode>(i);
    EXPECT_EQ(Error(code, "x").retryable(), retryable.contains(code))
        << error_code_name(code);
  }
}

TEST(ErrorTest, ALayerThatKnowsBetterDecidesWhetherToRetry) {
  EXPECT_FALSE(Error(ErrorCode::kUnavailable, "x").with_retryable(false).retryable());
  EXPECT_TRUE(Error(ErrorCode::kInternal, "x").with_retryable(true).retryable());
}

TEST(ErrorTest, ContextGoesInFrontAndKeepsTheRest) {
  ServiceDetail detail;
  detail.http_status = 503;
  detail.provider_code = "SlowDown";
  detail.request_id = "R1";
  detail.retry_after = std::chrono::seconds(2);
  const Error error =
      Error(ErrorCode::kThrottled, "slow down", detail).with_retryable(false);
  const Error outer = error.with_context("uploading part 3");
  EXPECT_STREQ(outer.what(), "uploading part 3: slow down");
  EXPECT_EQ(outer.code(), ErrorCode::kThrottled);
  EXPECT_FALSE(outer.retryable());
  EXPECT_EQ(outer.detail().provider_code, "SlowDown");
  EXPECT_EQ(outer.detail().request_id, "R1");
  EXPECT_EQ(outer.detail().retry_after, std::chrono::milliseconds(2000));
}

}  // namespace
}  // namespace cloudsync

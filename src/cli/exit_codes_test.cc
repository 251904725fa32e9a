// SPDX-License-Identifier: Apache-2.0
#include "cli/exit_codes.h"

#include <gtest/gtest.h>

#include <csignal>

namespace cloudsync::cli {
namespace {

int code_of(ErrorCode code) { return exit_code_of(Error(code, "x"), 0); }

TEST(ExitCode, EveryErrorHasOne) {
  EXPECT_EQ(code_of(ErrorCode::kInvalidArgument), 2);
  EXPECT_EQ(code_of(ErrorCode::kNotFound), 2);
  EXPECT_EQ(code_of(ErrorCode::kUnsupported), 2);
  EXPECT_EQ(code_of(ErrorCode::kLocked), 7);
  EXPECT_EQ(code_of(ErrorCode::kUnauthenticated), 10);
  EXPECT_EQ(code_of(ErrorCode::kUnavailable), 11);
  EXPECT_EQ(code_of(ErrorCode::kThrottled), 11);
  EXPECT_EQ(code_of(ErrorCode::kDeadlineExceeded), 11);
  EXPECT_EQ(code_of(ErrorCode::kBrake), 5);
  EXPECT_EQ(code_of(ErrorCode::kDiskFull), 3);
  EXPECT_EQ(code_of(ErrorCode::kLocalIo), 3);
  EXPECT_EQ(code_of(ErrorCode::kDataCorrupt), 3);
  EXPECT_EQ(code_of(ErrorCode::kInternal), 1);
}

TEST(ExitCode, PermissionDeniedDependsOnWhoRefused) {
  EXPECT_EQ(code_of(ErrorCode::kPermissionDenied), 3);
  ServiceDetail refused;
  refused.http_status = 403;
  const Error service(ErrorCode::kPermissionDenied, "x", refused);
  EXPECT_EQ(exit_code_of(service, 0), 10);
}

TEST(ExitCode, SignalsDecideHowAStoppedRunEnds) {
  EXPECT_EQ(exit_code_of(Error(ErrorCode::kCancelled, "x"), 0), 130);
  EXPECT_EQ(exit_code_of(Error(ErrorCode::kCancelled, "x"), SIGTERM), 143);
  SyncProgress progress;
  progress.stopped = true;
  EXPECT_EQ(exit_code_of(progress, SIGINT), 130);
  EXPECT_EQ(exit_code_of(progress, SIGTERM), 143);
  progress.stopped = false;
  EXPECT_EQ(exit_code_of(progress, SIGTERM), 0);
}

}  // namespace
}  // namespace cloudsync::cli

// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/merged_progress.h"

#include <gtest/gtest.h>

namespace cloudsync::cli {
namespace {

TEST(MergedProgress, AddsCountsAndKeepsTheFirstBrake) {
  SyncProgress all;
  all.command = "retry";
  SyncProgress first;
  first.command = "upload";
  first.uploaded = 1;
  first.requests.put = 2;
  first.brake = "emptied";
  first.notices = {"a"};
  SyncProgress second;
  second.uploaded = 2;
  second.failed = 3;
  second.requests.put = 4;
  second.brake = "root";
  second.notices = {"a", "b"};
  add_progress(all, first);
  add_progress(all, second);
  EXPECT_EQ(all.command, "retry");
  EXPECT_EQ(all.uploaded, 3U);
  EXPECT_EQ(all.failed, 3U);
  EXPECT_EQ(all.requests.put, 6U);
  EXPECT_EQ(all.brake, "emptied");
  EXPECT_EQ(all.notices, (std::vector<std::string>{"a", "b"}));
}

}  // namespace
}  // namespace cloudsync::cli

// SPDX-License-Identifier: Apache-2.0
#include "sync/guard/rewrites.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cloudsync::sync {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

MaxDelete limit(double value, bool percent) {
  return {.is_percent = percent, .value = value, .is_default = false};
}

void rewrite(Rewrites& rewrites, Side side, int count) {
  for (int i = 0; i < count; ++i) rewrites.wait_for_plan(side, std::to_string(i));
}

TEST(Rewrites, WithoutALimitNothingWaits) {
  Rewrites rewrites(std::nullopt);
  EXPECT_FALSE(rewrites.wait_for_plan(Side::kLocal, "a"));
  EXPECT_FALSE(rewrites.brake(1));
}

TEST(Rewrites, WithALimitEachWaitsUntilReleased) {
  Rewrites rewrites(limit(5, false));
  rewrites.expect(10);
  EXPECT_TRUE(rewrites.wait_for_plan(Side::kLocal, "a"));
  EXPECT_TRUE(rewrites.wait_for_plan(Side::kRemote, "b"));
  EXPECT_FALSE(rewrites.brake(10));
  EXPECT_THAT(rewrites.release(), ElementsAre("a", "b"));
  EXPECT_FALSE(rewrites.wait_for_plan(Side::kLocal, "a"));
}

TEST(Rewrites, TheLimitIsJudgedForEachSideAlone) {
  Rewrites rewrites(limit(50, true));
  rewrites.expect(10);
  rewrite(rewrites, Side::kLocal, 5);
  rewrite(rewrites, Side::kRemote, 5);
  EXPECT_FALSE(rewrites.brake(10));
  EXPECT_THAT(rewrites.release(), SizeIs(10));
}

TEST(Rewrites, WhatIsComparedAgainCountsOnce) {
  Rewrites rewrites(limit(50, true));
  rewrites.expect(10);
  rewrite(rewrites, Side::kLocal, 4);
  rewrites.compare_again();
  rewrite(rewrites, Side::kLocal, 4);
  EXPECT_FALSE(rewrites.brake(10));
  EXPECT_THAT(rewrites.release(), SizeIs(4));
  Rewrites unlimited(std::nullopt);
  rewrite(unlimited, Side::kLocal, 4);
  unlimited.compare_again();
  EXPECT_EQ(unlimited.count(), 4U);
}

TEST(Rewrites, ABrakeSaysHowToGoOn) {
  Rewrites rewrites(limit(50, true));
  rewrites.expect(10);
  rewrite(rewrites, Side::kRemote, 6);
  const auto brake = rewrites.brake(10);
  ASSERT_TRUE(brake);
  EXPECT_EQ(brake->name, "rewritten");
  EXPECT_THAT(brake->message, HasSubstr("6 of 10 known files have new content in the "
                                        "bucket"));
  EXPECT_THAT(brake->message, HasSubstr("`--force rewritten`"));
}

TEST(Rewrites, OnlyMoreThanAHundredAndMoreThanHalfAreRemarkable) {
  Rewrites few(std::nullopt);
  rewrite(few, Side::kLocal, 100);
  EXPECT_FALSE(few.remark(100));
  Rewrites many(std::nullopt);
  rewrite(many, Side::kLocal, 101);
  EXPECT_FALSE(many.remark(202));
  EXPECT_THAT(many.remark(201).value_or(""), HasSubstr("101 of 201"));
}

}  // namespace
}  // namespace cloudsync::sync

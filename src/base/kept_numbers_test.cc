// SPDX-License-Identifier: Apache-2.0
#include "base/kept_numbers.h"

#include <gtest/gtest.h>

namespace cloudsync::base {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

TEST(KeptNumbersTest, NumbersCountWhereTheyAreKept) {
  const KeptNumbers all;
  EXPECT_FALSE(all.same_inode(1, 2));
  EXPECT_FALSE(all.same_change_time(1, 2));
  const KeptNumbers none{.inode = false, .change_time = false};
  EXPECT_TRUE(none.same_inode(1, 2));
  EXPECT_TRUE(none.same_change_time(1, 2));
}

TEST(KeptNumbersTest, ZeroWasNeverKnown) {
  const KeptNumbers all;
  EXPECT_TRUE(all.same_inode(0, 2));
  EXPECT_TRUE(all.same_change_time(1, 0));
}

TEST(KeptNumbersTest, OnlyCoarseTimesMayHaveBeenCut) {
  const KeptNumbers coarse{.exact_mtime = false};
  const std::int64_t odd = 7 * kSecond + 123;
  EXPECT_FALSE(KeptNumbers{}.same_mtime(7 * kSecond, odd));
  EXPECT_TRUE(coarse.same_mtime(odd, odd));
  EXPECT_TRUE(coarse.same_mtime(7 * kSecond, odd));
  EXPECT_TRUE(coarse.same_mtime(6 * kSecond, odd));
  EXPECT_TRUE(coarse.same_mtime(-8 * kSecond, -7 * kSecond + 5));
  for (const std::int64_t other : {7 * kSecond + 122, 8 * kSecond, 5 * kSecond}) {
    EXPECT_FALSE(coarse.same_mtime(other, odd)) << other;
  }
}

}  // namespace
}  // namespace cloudsync::base

// SPDX-License-Identifier: Apache-2.0
#include "storage/page_guard.h"

#include <gtest/gtest.h>

#include <string>

namespace cloudsync::storage {
namespace {

TEST(PageGuard, PagesThatAdvanceAreFine) {
  PageGuard guard;
  for (int i = 0; i < 5000; ++i) {
    EXPECT_EQ(guard.accept("k" + std::to_string(i), "t" + std::to_string(i)), "");
  }
  EXPECT_EQ(guard.accept("", ""), "");
}

TEST(PageGuard, TokensThatAlternateAreFound) {
  PageGuard guard;
  EXPECT_EQ(guard.accept("a", "1"), "");
  EXPECT_EQ(guard.accept("b", "2"), "");
  EXPECT_NE(guard.accept("c", "1"), "");
}

TEST(PageGuard, TheSamePageUnderFreshTokensIsFound) {
  PageGuard guard;
  EXPECT_EQ(guard.accept("a", "1"), "");
  EXPECT_NE(guard.accept("a", "2"), "");
}

TEST(PageGuard, EmptyPagesEnd) {
  PageGuard guard;
  for (int i = 0; i < 999; ++i) EXPECT_EQ(guard.accept("", std::to_string(i)), "");
  EXPECT_NE(guard.accept("", "999"), "");
}

TEST(PageGuard, AnotherListingHasItsOwnPages) {
  PageGuard guard;
  EXPECT_EQ(guard.accept("a", "1"), "");
  guard.restart();
  EXPECT_EQ(guard.accept("a", "1"), "");
}

}  // namespace
}  // namespace cloudsync::storage

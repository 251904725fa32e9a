// SPDX-License-Identifier: Apache-2.0
#include "sync/scan/name_folding.h"

#include <gtest/gtest.h>

namespace cloudsync::sync {
namespace {

constexpr NameFolding kCase{.by_case = true, .by_normal_form = false};
constexpr NameFolding kNormal{.by_case = false, .by_normal_form = true};
constexpr NameFolding kBoth{.by_case = true, .by_normal_form = true};

bool are_twins(std::string_view a, std::string_view b, const NameFolding& folding) {
  return fold_name(a, folding) == fold_name(b, folding);
}

TEST(NameFoldingTest, WithoutFoldingEveryNameIsItsOwn) {
  EXPECT_EQ(fold_name("A\u00E9", {}), "A\u00E9");
  EXPECT_FALSE(are_twins("A", "a", kNormal));
  EXPECT_FALSE(are_twins("\u00E9", "e\u0301", kCase));
}

TEST(NameFoldingTest, CaseBeyondAsciiFolds) {
  EXPECT_TRUE(are_twins("READ.me", "read.ME", kCase));
  EXPECT_TRUE(are_twins("\u00C4\u0416\u03A9", "\u00E4\u0436\u03C9", kCase));
  EXPECT_FALSE(are_twins("a", "\u00E4", kBoth));
}

TEST(NameFoldingTest, ComposedAndDecomposedAreTwins) {
  EXPECT_TRUE(are_twins("caf\u00E9", "cafe\u0301", kNormal));
  EXPECT_TRUE(are_twins("\u1EC7", "e\u0323\u0302", kNormal));  // two marks
  EXPECT_TRUE(are_twins("\uD55C", "\u1112\u1161\u11AB", kNormal));
  EXPECT_FALSE(are_twins("\u00C9", "e\u0301", kNormal));
  EXPECT_TRUE(are_twins("\u00C9", "e\u0301", kBoth));
}

TEST(NameFoldingTest, LettersComeApartAndTogetherAgain) {
  EXPECT_EQ(decomposed_name("\u1EC7/caf\u00E9"), "e\u0323\u0302/cafe\u0301");
  EXPECT_EQ(composed_name("e\u0323\u0302/cafe\u0301"), "\u1EC7/caf\u00E9");
  EXPECT_EQ(composed_name("plain\xFF"), "plain\xFF");
}

TEST(NameFoldingTest, BytesThatAreNoUtf8Stay) {
  EXPECT_EQ(fold_name("A\xFF\xC3", kBoth), "a\xFF\xC3");
}

}  // namespace
}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
#include "base/random.h"

#include <gtest/gtest.h>

#include <set>

namespace cloudsync::base {
namespace {

class FixedRandom final : public Random {
 public:
  std::uint64_t next() override { return value_++; }

 private:
  std::uint64_t value_ = 0xAB;
};

TEST(RandomTest, HexIdHasThirtyTwoLowerCaseDigits) {
  FixedRandom random;
  EXPECT_EQ(random_hex_id(random), "00000000000000ab00000000000000ac");
}

TEST(RandomTest, SystemIdsDoNotRepeat) {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(random_hex_id(system_random()));
  EXPECT_EQ(ids.size(), 1000U);
}

TEST(RandomTest, BelowStaysBelow) {
  for (int i = 0; i < 1000; ++i) EXPECT_LT(system_random().below(7), 7U);
  EXPECT_EQ(system_random().below(0), 0U);
}

}  // namespace
}  // namespace cloudsync::base

// SPDX-License-Identifier: Apache-2.0
#include "config/nearest_key.h"

#include <gtest/gtest.h>

#include <vector>

namespace cloudsync::config {
namespace {

TEST(EditDistance, CountsChangesAndSwaps) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("abc", ""), 3U);
  EXPECT_EQ(edit_distance("bucket", "buckt"), 1U);
  EXPECT_EQ(edit_distance("bucket", "bukcet"), 1U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(NearestKey, FindsTheTypedKey) {
  const std::vector<std::string> keys{"storage.bucket", "storage.region", "max_workers"};
  EXPECT_EQ(nearest("max_worker", keys).word, "max_workers");
  EXPECT_EQ(nearest("storage.regoin", keys).word, "storage.region");
  EXPECT_TRUE(nearest("storage.regoin", keys).is_close);
}

TEST(NearestKey, FindsABareKeyInItsGroup) {
  const std::vector<std::string> keys{"storage.storage_class", "storage.region", "trash"};
  EXPECT_EQ(nearest("storage_class", keys).word, "storage.storage_class");
  EXPECT_TRUE(nearest("storage_class", keys).is_close);
}

TEST(NearestKey, SaysWhenNothingIsClose) {
  const std::vector<std::string> keys{"trash", "links"};
  EXPECT_FALSE(nearest("something_else", keys).is_close);
}

}  // namespace
}  // namespace cloudsync::config

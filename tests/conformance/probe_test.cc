// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/conformance/tested_store.h"

namespace cloudsync::conformance {
namespace {

using storage::Capabilities;
using storage::KeyOrder;

// What the pinned versions were seen to do by hand.
class ProbedServer : public ::testing::Test {
 protected:
  Capabilities probed(const std::string& name) {
    const auto cases = store_cases();
    const auto found = std::find_if(cases.begin(), cases.end(), [&](const auto& store) {
      return store.name == name;
    });
    if (found == cases.end()) {
      ADD_FAILURE() << name << " is not among the stores";
      return {};
    }
    const TestedStore tested = found->make();
    skip_reason_ = tested.skip_reason;
    return tested.capabilities;
  }
  std::string skip_reason_;
};

TEST_F(ProbedServer, MinioIgnoresTheConditionOfADeletion) {
  const Capabilities found = probed("minio");
  if (!skip_reason_.empty()) GTEST_SKIP() << skip_reason_;
  EXPECT_TRUE(found.conditional_put);
  EXPECT_TRUE(found.conditional_complete);
  EXPECT_FALSE(found.conditional_delete);
  EXPECT_FALSE(found.conditional_batch_delete);
  EXPECT_GT(found.batch_delete_limit, 1u);
  EXPECT_TRUE(found.conditional_copy_source);
  EXPECT_FALSE(found.conditional_copy_destination);
  EXPECT_FALSE(found.nested_keys);
  EXPECT_TRUE(found.multipart);
  EXPECT_TRUE(found.crc64nvme);
  EXPECT_EQ(found.list_order, KeyOrder::kUtf8);
}

TEST_F(ProbedServer, VersitygwHonoursItAndRefusesNestedKeys) {
  const Capabilities found = probed("versitygw");
  if (!skip_reason_.empty()) GTEST_SKIP() << skip_reason_;
  EXPECT_TRUE(found.conditional_put);
  EXPECT_TRUE(found.conditional_complete);
  EXPECT_TRUE(found.conditional_delete);
  EXPECT_FALSE(found.conditional_batch_delete);
  EXPECT_GT(found.batch_delete_limit, 1u);
  EXPECT_TRUE(found.conditional_copy_source);
  EXPECT_FALSE(found.conditional_copy_destination);
  EXPECT_FALSE(found.nested_keys);
  EXPECT_TRUE(found.multipart);
  EXPECT_TRUE(found.crc64nvme);
  EXPECT_EQ(found.list_order, KeyOrder::kUtf8);
}

}  // namespace
}  // namespace cloudsync::conformance

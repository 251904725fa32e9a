// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/conformance/tested_store.h"

namespace cloudsync::conformance {
namespace {

using storage::Support;

// What the pinned versions were seen to do by hand is in their descriptions.
class Probe : public ::testing::TestWithParam<StoreCase> {};
INSTANTIATE_TEST_SUITE_P(Servers, Probe, ::testing::ValuesIn(server_cases()),
                         [](const auto& store) { return store.param.name; });

TEST_P(Probe, FindsToBeMissingWhatTheDescriptionSays) {
  const TestedStore tested = GetParam().make();
  if (!tested.skip_reason.empty()) GTEST_SKIP() << tested.skip_reason;
  ASSERT_EQ(tested.failure, "");
  std::set<std::string> missing;
  for (const auto& [name, ignored] : storage::declared_facts({}).support) {
    if (tested.facts->of(name) != Support::kHonoured) missing.insert(name);
  }
  EXPECT_EQ(missing, std::set<std::string>(tested.lacks_features.begin(),
                                           tested.lacks_features.end()));
  EXPECT_EQ(tested.capabilities.list_order, tested.list_order);
}

// A test that was renamed would be asked of everybody again, and its line be forgotten.
TEST_P(Probe, ListsOnlyTestsThatThereAre) {
  std::set<std::string> tests;
  const auto* program = ::testing::UnitTest::GetInstance();
  for (int s = 0; s < program->total_test_suite_count(); ++s) {
    const auto* suite = program->GetTestSuite(s);
    const std::string suite_name = suite->name();
    for (int t = 0; t < suite->total_test_count(); ++t) {
      const std::string name = suite->GetTestInfo(t)->name();
      tests.insert(suite_name.substr(suite_name.find('/') + 1) + "." +
                   name.substr(0, name.find('/')));
    }
  }
  for (const Lacking& line : GetParam().make().lacks) {
    EXPECT_TRUE(tests.contains(line.test)) << line.test;
  }
}

}  // namespace
}  // namespace cloudsync::conformance

// SPDX-License-Identifier: Apache-2.0
#include "sync/run/intent_log.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "base/test_directory.h"

namespace cloudsync::sync {
namespace {

IntentRow intent(PairId pair, const std::string& key, std::uint8_t content) {
  IntentRow row;
  row.pair = pair;
  row.base.key = key;
  row.base.md5[0] = content;
  return row;
}

TEST(IntentLog, EachRowIsThereWhenItsCommitReturns) {
  const base::TestDirectory directory;
  const auto state = open_state_database(directory / "state.db");
  const PairId pair = state->pair({"/root", "memory", "bucket", "p/"}).id;
  IntentLog log(*state);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 25; ++i) {
        const std::string key = std::to_string(thread) + "/" + std::to_string(i);
        log.commit(intent(pair, key, 1));
        EXPECT_EQ(state->intents(pair, key).size(), 1U) << key;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(state->count_intents(pair), 200U);
}

TEST(IntentLog, KeepsOneRowForEachContentOfAKey) {
  const base::TestDirectory directory;
  const auto state = open_state_database(directory / "state.db");
  const PairId pair = state->pair({"/root", "memory", "bucket", "p/"}).id;
  IntentLog log(*state);
  for (const int content : {1, 2, 1, 2, 1}) {
    log.commit(intent(pair, "a", static_cast<std::uint8_t>(content)));
  }
  EXPECT_EQ(state->intents(pair, "a").size(), 2U);
  const std::vector<StateChange> erased = {EraseIntents{pair, "a"}};
  state->apply(erased);
  EXPECT_EQ(state->count_intents(pair), 0U);
}

}  // namespace
}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
#include "sync/run/writable_store.h"

#include <gtest/gtest.h>

#include <chrono>

#include "base/test_directory.h"
#include "storage/memory/memory_store.h"
#include "storage/storage_testing.h"

namespace cloudsync::sync {
namespace {

using storage::Outcome;
using storage::testing::put;

storage::MemoryStore::Options ignoring_conditions() {
  storage::MemoryStore::Options options;
  options.content_tokens = true;
  options.capabilities.conditional_put = false;
  options.capabilities.conditional_delete = false;
  options.capabilities.conditional_batch_delete = false;
  return options;
}

class WritableStoreTest : public ::testing::Test {
 protected:
  // The first such operation fails, after `meanwhile` has happened.
  void fail_once(const std::string& operation, bool after, ErrorCode code,
                 std::function<void()> meanwhile = {}) {
    memory.set_fault(
        [=, this](const std::string& name, const std::string&, bool is_after) {
          if (name != operation || is_after != after || std::exchange(failed_, true))
            return;
          if (meanwhile) meanwhile();
          throw Error(code, "injected");
        });
  }
  storage::ObjectStore& store() { return writable.get({}); }

  base::TestDirectory directory;
  storage::MemoryStore memory{ignoring_conditions()};
  storage::testing::JumpingClock clock;
  std::unique_ptr<SyncStateDatabase> state =
      open_state_database(directory / std::string("state.db"));
  WritableStore writable{memory,
                         *state,
                         base::system_random(),
                         {"memory", "bucket", "", false, [](const std::string&) {},
                          [this](storage::ObjectStore& inner) {
                            return storage::make_retrying_store(
                                inner, {}, {clock, base::system_random(), {}});
                          }}};

 private:
  bool failed_ = false;
};

TEST_F(WritableStoreTest, RepeatedDeleteSparesWhatWasWrittenDuringTheWait) {
  const auto token = memory.put_directly("a", "old");
  fail_once("remove", false, ErrorCode::kThrottled,
            [this] { memory.put_directly("a", "foreign"); });
  EXPECT_EQ(store().remove({{"a"}, token}, {}).outcome, Outcome::kPreconditionFailed);
  EXPECT_EQ(memory.content("a"), "foreign");
}

TEST_F(WritableStoreTest, RepeatedPutSparesWhatWasWrittenDuringTheWait) {
  const auto token = memory.put_directly("a", "old");
  fail_once("put", false, ErrorCode::kThrottled,
            [this] { memory.put_directly("a", "foreign"); });
  EXPECT_EQ(put(store(), "a", "mine", {token, false}).outcome,
            Outcome::kPreconditionFailed);
  EXPECT_EQ(memory.content("a"), "foreign");
}

TEST_F(WritableStoreTest, LostAnswersAreSettledWhereConditionsAreIgnored) {
  const auto token = memory.put_directly("a", "old");
  fail_once("put", true, ErrorCode::kUnavailable);
  const auto result = put(store(), "a", "mine", {token, false});
  EXPECT_EQ(result.outcome, Outcome::kOk);
  EXPECT_EQ(result.token, memory.head({"a"}, {})->token);
}

TEST_F(WritableStoreTest, DeleteWithALostAnswerIsDone) {
  const auto token = memory.put_directly("a", "old");
  fail_once("remove", true, ErrorCode::kUnavailable);
  EXPECT_EQ(store().remove({{"a"}, token}, {}).outcome, Outcome::kOk);
  EXPECT_FALSE(memory.content("a"));
}

}  // namespace
}  // namespace cloudsync::sync

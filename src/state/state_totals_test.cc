// SPDX-License-Identifier: Apache-2.0
// Sums, clean-up, and what a failed transaction leaves behind.
#include <sqlite3.h>

#include <thread>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "cloudsync/error.h"
#include "state/schema.h"
#include "state/sqlite_state_database.h"
#include "state/temp_directory_for_test.h"

namespace cloudsync::state {
namespace {

BaseRow base_row(const std::string& key, std::uint64_t size) {
  BaseRow row;
  row.key = key;
  row.size = size;
  return row;
}

OperationRow operation(OperationAction action, OperationState state,
                       std::uint64_t bytes) {
  OperationRow row;
  row.pair = 1;
  row.key = "k";
  row.action = action;
  row.state = state;
  row.bytes = bytes;
  row.ended_ns = base::system_clock().now_ns();
  return row;
}

class StateTotals : public testing::Test {
 protected:
  TempDirectory directory_;
  std::unique_ptr<SyncStateDatabase> database_ =
      open_state_database(directory_.file("state.db"));
};

TEST_F(StateTotals, BaseRowsAndBytesFollowEveryChange) {
  const StateChange changes[] = {UpsertBase{1, base_row("a", 10)},
                                 UpsertBase{1, base_row("b", 5)},
                                 UpsertBase{1, base_row("a", 4)},
                                 UpsertBase{2, base_row("a", 100)},
                                 EraseBase{1, "b"},
                                 EraseBase{1, "never there"}};
  database_->apply(changes);
  const SyncStatistics statistics = database_->get_sync_statistics();
  EXPECT_EQ(statistics.total_files, 2U);
  EXPECT_EQ(statistics.total_bytes, 104U);
  EXPECT_EQ(database_->count_base_rows(1), 1U);
  EXPECT_EQ(database_->count_base_rows(2), 1U);
  EXPECT_EQ(database_->count_base_rows(3), 0U);
}

TEST_F(StateTotals, OnlyFinishedTransfersCountAsSynced) {
  OperationRow old_failure =
      operation(OperationAction::kUpload, OperationState::kFailed, 1);
  old_failure.ended_ns -= 25LL * 3600 * 1'000'000'000;
  const StateChange changes[] = {
      RecordOperation{operation(OperationAction::kUpload, OperationState::kDone, 10)},
      RecordOperation{operation(OperationAction::kDownload, OperationState::kDone, 20)},
      RecordOperation{
          operation(OperationAction::kDownload, OperationState::kFailed, 400)},
      RecordOperation{operation(OperationAction::kAdopt, OperationState::kDone, 8000)},
      RecordOperation{old_failure}};
  database_->apply(changes);
  const SyncStatistics statistics = database_->get_sync_statistics();
  EXPECT_EQ(statistics.total_bytes_synced, 30U);
  EXPECT_EQ(statistics.total_operations, 5U);
  EXPECT_EQ(statistics.recent_failures_24h, 1U);
}

TEST_F(StateTotals, EmptyDatabaseHasZeroOfEverything) {
  const SyncStatistics statistics = database_->get_sync_statistics();
  EXPECT_EQ(statistics.total_files, 0U);
  EXPECT_EQ(statistics.total_bytes_synced, 0U);
  EXPECT_EQ(statistics.recent_failures_24h, 0U);
}

RunRow ended(RunId id, std::int64_t at_ns) {
  RunRow run;
  run.id = id;
  run.ended_ns = at_ns;
  run.outcome = RunOutcome::kDone;
  return run;
}

TEST_F(StateTotals, CleanupRemovesOnlyOldAuditRowsAndRuns) {
  OperationRow old_row = operation(OperationAction::kUpload, OperationState::kDone, 10);
  old_row.ended_ns = 1;
  ConflictRow conflict;
  FailedRecord failure;
  conflict.pair = failure.pair = 1;
  const StateChange changes[] = {
      RecordOperation{old_row},
      RecordOperation{operation(OperationAction::kUpload, OperationState::kDone, 5)},
      UpsertBase{1, base_row("a", 1)}, UpsertConflict{conflict}, UpsertFailure{failure}};
  database_->apply(changes);
  database_->begin_transfer(TransferRow());
  database_->end_run(ended(database_->begin_run(1, "upload", 0, 1), 2));
  database_->begin_run(1, "cut off", 0, 1);
  database_->end_run(ended(database_->begin_run(1, "sync", 0, 1), 2));

  EXPECT_EQ(database_->cleanup_old_records(30), 2);
  EXPECT_EQ(database_->operations(std::nullopt, 10).size(), 1U);
  EXPECT_EQ(database_->recent_runs(10).front().command, "sync")
      << "retry needs the last run";
  EXPECT_EQ(database_->recent_runs(10).size(), 2U);
  const SyncStatistics statistics = database_->get_sync_statistics();
  EXPECT_EQ(statistics.total_files, 1U);
  EXPECT_EQ(statistics.open_conflicts, 1U);
  EXPECT_EQ(statistics.interrupted_transfers, 1U);
  EXPECT_EQ(statistics.total_bytes_synced, 15U) << "what was moved stays moved";
  EXPECT_EQ(database_->get_failed_records().size(), 1U);
  EXPECT_EQ(database_->cleanup_old_records(2'000'000'000), 0);
  EXPECT_THROW(database_->cleanup_old_records(-1), Error);
}

TEST_F(StateTotals, MakeDurableEmptiesTheLog) {
  const StateChange changes[] = {UpsertBase{1, base_row("a", 10)}};
  database_->apply(changes);
  database_->make_durable();
  EXPECT_EQ(std::filesystem::file_size(directory_.file("state.db-wal")), 0U);
  database_->make_durable();
  EXPECT_EQ(database_->count_base_rows(1), 1U);
}

TEST_F(StateTotals, MakeDurableDoesNotWaitForAReader) {
  std::vector<StateChange> changes;
  for (int i = 0; i < 2000; ++i) {
    changes.push_back(UpsertBase{1, base_row("k" + std::to_string(i), 1)});
  }
  database_->apply(changes);
  const auto cursor = database_->base_rows(1, {});
  BaseRow row;
  ASSERT_TRUE(cursor->next(row));
  database_->apply(std::span(changes).first(1));
  const auto before = base::system_clock().steady_now();
  database_->make_durable();
  EXPECT_LT(base::system_clock().steady_now() - before, std::chrono::seconds(5));
}

TEST_F(StateTotals, ThreadsMayReadAndWriteTogether) {
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < 50; ++i) {
        const StateChange changes[] = {
            UpsertBase{1, base_row(std::to_string(t) + "-" + std::to_string(i), 1)}};
        database_->apply(changes);
        const auto cursor = database_->base_rows(1, {});
        BaseRow row;
        while (cursor->next(row)) {
        }
      }
    });
  }
  threads.clear();
  EXPECT_EQ(database_->count_base_rows(1), 200U);
}

std::unique_ptr<SqliteStateDatabase> open_with_page_limit(const std::string& path,
                                                          int pages) {
  create_private_file(path);
  OpenDatabase place;
  place.path = path;
  place.uri = database_uri(path, "mode=rw");
  place.flags = SQLITE_OPEN_READWRITE;
  auto connection = std::make_unique<Connection>(place.uri, path, place.flags);
  configure_writer(*connection);
  migrate(*connection, migrations());
  connection->execute(("PRAGMA max_page_count=" + std::to_string(pages)).c_str());
  return std::make_unique<SqliteStateDatabase>(std::move(place), std::move(connection));
}

TEST_F(StateTotals, FullDiskIsReportedAsSuchAndLeavesNothingHalfApplied) {
  const std::string path = directory_.file("small.db");
  const auto small = open_with_page_limit(path, 40);
  const StateChange first[] = {UpsertBase{1, base_row("first", 1)}};
  small->apply(first);
  std::vector<StateChange> changes;
  for (int i = 0; i < 20000; ++i) {
    changes.push_back(UpsertBase{1, base_row("key" + std::to_string(i), 1)});
  }
  try {
    small->apply(changes);
    FAIL() << "fitted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kDiskFull);
    EXPECT_NE(std::string(error.what()).find(path), std::string::npos);
  }
  EXPECT_EQ(small->count_base_rows(1), 1U);
  EXPECT_FALSE(small->base_row(1, "key0"));
  const StateChange second[] = {UpsertBase{1, base_row("second", 1)}};
  small->apply(second);
  EXPECT_EQ(small->count_base_rows(1), 2U);
}

}  // namespace
}  // namespace cloudsync::state

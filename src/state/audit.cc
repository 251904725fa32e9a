// SPDX-License-Identifier: Apache-2.0
// What was done, what failed, and the sums of both.
#include <limits>

#include "base/clock.h"
#include "state/sqlite_state_database.h"

namespace cloudsync::state {
namespace {

constexpr std::int64_t kDay = 86'400'000'000'000;
// So that a clean-up never keeps another process of the same database waiting for long.
constexpr int kRowsPerCleanup = 50000;

constexpr std::string_view kSelectFailures =
    "SELECT pair_id, key, local_path, action, attempts, err_code, err_text, failed_at "
    "FROM retry "
    "WHERE ?1 IS NULL OR pair_id = ?1 ORDER BY pair_id, key";
constexpr std::string_view kSelectOperations =
    "SELECT op_id, run_id, pair_id, key, action, cls, state, attempts, bytes, old_sum, "
    "new_sum, "
    "old_token, new_token, trash_ref, err_code, err_text, t0, t1 FROM operations "
    "WHERE ?1 IS NULL OR pair_id = ?1 ORDER BY op_id DESC LIMIT ?2";

constexpr std::string_view kCleanOperations =
    "DELETE FROM operations WHERE op_id IN "
    "(SELECT op_id FROM operations WHERE t1 < ?1 LIMIT ?2)";
// A pair's last run stays: `retry` repeats its command.
constexpr std::string_view kCleanRuns =
    "DELETE FROM runs WHERE t1 > 0 AND t1 < ?1 AND run_id NOT IN "
    "(SELECT max(run_id) FROM runs GROUP BY pair_id)";

FailedRecord read_failure(const Query& query) {
  FailedRecord row;
  row.pair = query.integer(0);
  row.key = query.text(1);
  row.local_path = query.text(2);
  row.action = static_cast<OperationAction>(query.small(3));
  row.attempts = query.small(4);
  row.error_code = query.text(5);
  row.error_text = query.text(6);
  row.failed_at_ns = query.integer(7);
  return row;
}

OperationRow read_operation(const Query& query) {
  OperationRow row;
  row.id = query.integer(0);
  row.run = query.integer(1);
  row.pair = query.integer(2);
  row.key = query.text(3);
  row.action = static_cast<OperationAction>(query.small(4));
  row.decide_row = query.small(5);
  row.state = static_cast<OperationState>(query.small(6));
  row.attempts = query.small(7);
  row.bytes = query.natural(8);
  row.old_md5 = query.optional_digest<16>(9);
  row.new_md5 = query.optional_digest<16>(10);
  row.old_token = query.text(11);
  row.new_token = query.text(12);
  row.trash_ref = query.text(13);
  row.error_code = query.text(14);
  row.error_text = query.text(15);
  row.started_ns = query.integer(16);
  row.ended_ns = query.integer(17);
  return row;
}

std::uint64_t count(Query query) { return query.step() ? query.natural(0) : 0; }

std::int64_t days_before_now(int days) {
  const std::int64_t now = base::system_clock().now_ns();
  std::int64_t span = 0;
  std::int64_t cutoff = 0;
  const bool out_of_range = __builtin_mul_overflow(std::int64_t{days}, kDay, &span) ||
                            __builtin_sub_overflow(now, span, &cutoff);
  return out_of_range ? std::numeric_limits<std::int64_t>::min() : cutoff;
}

}  // namespace

SyncStatistics SqliteStateDatabase::get_sync_statistics() const {
  const std::lock_guard lock(mutex_);
  SyncStatistics statistics;
  {
    Query query = connection_->query(
        "SELECT sum(base_rows), sum(base_bytes), sum(bytes_synced), sum(operations) FROM "
        "totals");
    query.step();
    statistics.total_files = query.natural(0);
    statistics.total_bytes = query.natural(1);
    statistics.total_bytes_synced = query.natural(2);
    statistics.total_operations = query.natural(3);
  }
  Query failed =
      connection_->query("SELECT count(*) FROM operations WHERE state = 1 AND t1 >= ?1");
  failed.bind(days_before_now(1)).step();
  statistics.recent_failures_24h = failed.natural(0);
  statistics.open_conflicts = count(connection_->query("SELECT count(*) FROM conflicts"));
  statistics.interrupted_transfers =
      count(connection_->query("SELECT count(*) FROM transfers"));
  return statistics;
}

std::vector<FailedRecord> SqliteStateDatabase::get_failed_records() const {
  return failures(std::nullopt);
}

std::vector<FailedRecord> SqliteStateDatabase::failures(
    std::optional<PairId> pair) const {
  const std::lock_guard lock(mutex_);
  std::vector<FailedRecord> rows;
  Query query = connection_->query(kSelectFailures);
  query.bind(pair);
  while (query.step()) rows.push_back(read_failure(query));
  return rows;
}

std::vector<OperationRow> SqliteStateDatabase::operations(std::optional<PairId> pair,
                                                          int limit) const {
  const std::lock_guard lock(mutex_);
  std::vector<OperationRow> rows;
  Query query = connection_->query(kSelectOperations);
  query.bind(pair, limit);
  while (query.step()) rows.push_back(read_operation(query));
  return rows;
}

std::int64_t SqliteStateDatabase::cleanup_old_records(int days_old) {
  if (days_old < 0) {
    throw Error(ErrorCode::kInvalidArgument, "days_old must not be negative");
  }
  const std::int64_t cutoff = days_before_now(days_old);
  std::int64_t deleted = 0;
  std::int64_t round = 0;
  do {
    const std::lock_guard lock(mutex_);
    connection_->query(kCleanOperations).bind(cutoff, kRowsPerCleanup).run();
    round = connection_->changes();
    deleted += round;
  } while (round == kRowsPerCleanup);
  const std::lock_guard lock(mutex_);
  connection_->query(kCleanRuns).bind(cutoff).run();
  return deleted + connection_->changes();
}

}  // namespace cloudsync::state

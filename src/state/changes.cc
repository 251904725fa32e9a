// SPDX-License-Identifier: Apache-2.0
// apply(): what one key changes, all or nothing.
#include <map>

#include "base/log.h"
#include "state/base_rows.h"
#include "state/intents.h"
#include "state/sqlite_state_database.h"

namespace cloudsync::state {
namespace {

constexpr std::string_view kRecordOperation =
    "INSERT INTO operations(run_id, pair_id, key, action, cls, state, attempts, bytes, "
    "old_sum, "
    "new_sum, old_token, new_token, trash_ref, err_code, err_text, t0, t1) "
    "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";

// The id of a transfer that was replaced meanwhile is gone for good: its late parts are
// dropped.
constexpr std::string_view kSavePart =
    "INSERT OR REPLACE INTO parts(op_id, no, off, len, etag, sum) "
    "SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE EXISTS (SELECT 1 FROM transfers WHERE op_id = "
    "?1)";

// A conflict keeps the time when it was first seen.
constexpr std::string_view kUpsertConflict =
    "INSERT INTO conflicts(pair_id, key, type, l_present, l_size, l_sum, l_mtime, "
    "l_ctime, l_ino, "
    "r_present, r_size, r_sum, r_mtime, r_token, b_sum, choice, first_seen, last_seen) "
    "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, "
    "?18) "
    "ON CONFLICT DO UPDATE SET type = excluded.type, l_present = excluded.l_present, "
    "l_size = excluded.l_size, l_sum = excluded.l_sum, l_mtime = excluded.l_mtime, "
    "l_ctime = excluded.l_ctime, l_ino = excluded.l_ino, r_present = excluded.r_present, "
    "r_size = excluded.r_size, r_sum = excluded.r_sum, r_mtime = excluded.r_mtime, "
    "r_token = excluded.r_token, b_sum = excluded.b_sum, choice = excluded.choice, "
    "last_seen = excluded.last_seen";

constexpr std::string_view kUpsertFailure =
    "INSERT INTO retry(pair_id, key, local_path, action, attempts, err_code, err_text, "
    "failed_at) "
    "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) "
    "ON CONFLICT DO UPDATE SET local_path = excluded.local_path, action = "
    "excluded.action, "
    "attempts = attempts + excluded.attempts, err_code = excluded.err_code, "
    "err_text = excluded.err_text, failed_at = excluded.failed_at";

constexpr std::string_view kAddTotals =
    "INSERT INTO totals(pair_id, base_rows, base_bytes, bytes_synced, operations) "
    "VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET "
    "base_rows = base_rows + excluded.base_rows, base_bytes = base_bytes + "
    "excluded.base_bytes, "
    "bytes_synced = bytes_synced + excluded.bytes_synced, "
    "operations = operations + excluded.operations";

bool moved_bytes(const OperationRow& row) {
  return row.state == OperationState::kDone && (row.action == OperationAction::kUpload ||
                                                row.action == OperationAction::kDownload);
}

class Applier {
 public:
  explicit Applier(Connection& connection) : connection_(connection) {}

  void operator()(const UpsertBase& change) {
    upsert_base_row(connection_, change.pair, change.row, totals_[change.pair]);
  }
  void operator()(const EraseBase& change) {
    erase_base_row(connection_, change.pair, change.key, totals_[change.pair]);
  }
  void operator()(const RecordOperation& change);
  void operator()(const SavePart& change);
  void operator()(const EraseTransfer& change) {
    connection_.query("DELETE FROM transfers WHERE op_id = ?1").bind(change.id).run();
  }
  void operator()(const UpsertConflict& change);
  void operator()(const EraseConflict& change) {
    erase("DELETE FROM conflicts WHERE pair_id = ?1 AND key = ?2", change.pair,
          change.key);
  }
  void operator()(const UpsertFailure& change);
  void operator()(const EraseFailure& change) {
    erase("DELETE FROM retry WHERE pair_id = ?1 AND key = ?2", change.pair, change.key);
  }
  void operator()(const SaveIntent& change) { save_intent(connection_, change.row); }
  void operator()(const EraseIntents& change) { erase_intents(connection_, change); }

  void add_totals();

 private:
  void erase(std::string_view sql, PairId pair, const std::string& key) {
    connection_.query(sql).bind(pair, Blob{key}).run();
  }

  Connection& connection_;
  std::map<PairId, TotalsDelta> totals_;
};

void Applier::operator()(const RecordOperation& change) {
  const OperationRow& row = change.row;
  connection_.query(kRecordOperation)
      .bind(row.run, row.pair, Blob{row.key}, static_cast<int>(row.action),
            row.decide_row, static_cast<int>(row.state), row.attempts, row.bytes,
            row.old_md5, row.new_md5, Blob{row.old_token}, Blob{row.new_token},
            Blob{row.trash_ref}, row.error_code, base::redacted(row.error_text),
            row.started_ns, row.ended_ns)
      .run();
  TotalsDelta& delta = totals_[row.pair];
  ++delta.operations;
  if (moved_bytes(row)) delta.bytes_synced += static_cast<std::int64_t>(row.bytes);
}

void Applier::operator()(const SavePart& change) {
  const PartRow& row = change.row;
  connection_.query(kSavePart)
      .bind(row.transfer, row.number, row.offset, row.length, row.etag, row.md5)
      .run();
}

void Applier::operator()(const UpsertConflict& change) {
  const ConflictRow& row = change.row;
  std::optional<int> choice;
  if (row.choice) choice = static_cast<int>(*row.choice);
  connection_.query(kUpsertConflict)
      .bind(row.pair, Blob{row.key}, static_cast<int>(row.reason), row.local.present,
            row.local.size, row.local.md5, row.local.mtime_ns, row.local.ctime_ns,
            row.local.ino, row.cloud.present, row.cloud.size, row.cloud.md5,
            row.cloud.mtime_ns, Blob{row.cloud.token}, row.base_md5, choice,
            row.first_seen_ns, row.last_seen_ns)
      .run();
}

void Applier::operator()(const UpsertFailure& change) {
  const FailedRecord& row = change.row;
  connection_.query(kUpsertFailure)
      .bind(row.pair, Blob{row.key}, Blob{row.local_path}, static_cast<int>(row.action),
            row.attempts, row.error_code, base::redacted(row.error_text),
            row.failed_at_ns)
      .run();
}

void Applier::add_totals() {
  for (const auto& [pair, delta] : totals_) {
    connection_.query(kAddTotals)
        .bind(pair, delta.base_rows, delta.base_bytes, delta.bytes_synced,
              delta.operations)
        .run();
  }
}

}  // namespace

void SqliteStateDatabase::apply(std::span<const StateChange> changes) {
  if (changes.empty()) return;
  const std::lock_guard lock(mutex_);
  Transaction transaction(*connection_);
  Applier applier(*connection_);
  for (const StateChange& change : changes) std::visit(applier, change);
  applier.add_totals();
  transaction.commit();
}

void SqliteStateDatabase::make_durable() {
  const std::lock_guard lock(mutex_);
  {
    // A commit at FULL syncs the log, and with it every commit before.
    const DurableCommits durable(*connection_);
    connection_
        ->query(
            "INSERT INTO meta(k, v) VALUES('durable_commits', 1) "
            "ON CONFLICT DO UPDATE SET v = CAST(v AS INTEGER) + 1")
        .run();
  }
  connection_->checkpoint_and_truncate();
}

}  // namespace cloudsync::state

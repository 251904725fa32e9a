// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "cloudsync/sync_state.h"
#include "state/database_file.h"
#include "state/sqlite_connection.h"

namespace cloudsync::state {

// How to reach one opened database, also for further connections to it.
struct OpenDatabase {
  std::string path;  // what the user named, absolute
  std::string uri;   // "" = there is no file: an empty database in memory
  int flags = 0;
  std::stop_token stop;
  std::vector<std::string> notices;
  std::unique_ptr<PrivateCopy>
      copy;  // what `uri` names, where the file itself must stay as it is
};

// The state in one SQLite file. One connection under a mutex writes and answers
// everything but scans; each cursor reads through a connection of its own, so that a long
// scan never waits for the writer. Methods are spread over files by what they keep:
// pairs.cc, base_rows.cc, changes.cc, transfers.cc, intents.cc, conflicts.cc, audit.cc.
class SqliteStateDatabase : public SyncStateDatabase {
 public:
  SqliteStateDatabase(OpenDatabase place, std::unique_ptr<Connection> connection);

  SyncStatistics get_sync_statistics() const override;
  std::vector<FailedRecord> get_failed_records() const override;
  std::int64_t cleanup_old_records(int days_old) override;
  std::string path() const override;
  std::vector<std::string> notices() const override;

  PairRecord pair(const PairIdentity& identity) override;
  std::optional<PairRecord> find_pair(const PairIdentity& identity) const override;
  std::vector<PairRecord> pairs() const override;
  void save_pair(const PairRecord& record) override;
  std::optional<std::string> meta(const std::string& name) const override;
  void set_meta(const std::string& name, const std::string& value) override;
  RunId begin_run(PairId pair, const std::string& command, std::int64_t epoch,
                  std::int64_t now_ns) override;
  void end_run(const RunRow& run) override;
  std::vector<RunRow> recent_runs(int limit) const override;

  std::unique_ptr<BaseCursor> base_rows(PairId pair,
                                        const KeyRange& range) const override;
  std::optional<BaseRow> base_row(PairId pair, const std::string& key) const override;
  std::uint64_t count_base_rows(PairId pair) const override;
  void apply(std::span<const StateChange> changes) override;
  void make_durable() override;

  OperationId begin_transfer(const TransferRow& row) override;
  void set_upload_ref(OperationId id, const std::string& upload_ref) override;
  std::optional<TransferRow> find_transfer(PairId pair, const std::string& key,
                                           OperationAction direction) const override;
  std::vector<TransferRow> transfers(std::optional<PairId> pair) const override;
  std::vector<PartRow> parts(OperationId transfer) const override;
  std::uint64_t count_intents(PairId pair) const override;
  std::vector<IntentRow> intents(PairId pair, const std::string& key) const override;
  void forget_download_inodes(const std::set<std::uint64_t>& inodes) override;
  void erase_intents_before(PairId pair, std::int64_t started_ns) override;
  std::vector<ConflictRow> conflicts(std::optional<PairId> pair) const override;
  std::optional<ConflictRow> conflict(PairId pair, const std::string& key) const override;
  void set_conflict_choice(PairId pair, const std::string& key,
                           std::optional<ConflictStrategy> choice) override;
  std::vector<FailedRecord> failures(std::optional<PairId> pair) const override;
  std::vector<OperationRow> operations(std::optional<PairId> pair,
                                       int limit) const override;

 private:
  OpenDatabase place_;
  mutable std::mutex mutex_;
  // Guarded by mutex_; mutable because reading steps prepared statements.
  std::unique_ptr<Connection> connection_;
};

}  // namespace cloudsync::state

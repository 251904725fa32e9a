// SPDX-License-Identifier: Apache-2.0
// Pairs, runs and named values.
#include <utility>

#include "base/random.h"
#include "state/sqlite_state_database.h"

namespace cloudsync::state {
namespace {

// The totals are kept with every change of a base row; a pair without rows has none.
constexpr std::string_view kSelectPairs =
    "SELECT pair_id, uuid, local_root, provider, container, prefix, root_dev, root_ino, "
    "epoch, has_marker, filter_hash, capabilities, coalesce(base_rows, 0), "
    "coalesce(base_bytes, 0) FROM pairs LEFT JOIN totals USING(pair_id) ORDER BY pair_id";
constexpr std::string_view kFindPair =
    "SELECT pair_id, uuid, local_root, provider, container, prefix, root_dev, root_ino, "
    "epoch, has_marker, filter_hash, capabilities, coalesce(base_rows, 0), "
    "coalesce(base_bytes, 0) FROM pairs LEFT JOIN totals USING(pair_id) "
    "WHERE provider = ?1 AND container = ?2 AND prefix = ?3 AND local_root = ?4";

PairRecord read_pair(const Query& query) {
  PairRecord record;
  record.id = query.integer(0);
  record.uuid = query.text(1);
  record.identity = {.local_root = query.text(2),
                     .provider = query.text(3),
                     .container = query.text(4),
                     .prefix = query.text(5)};
  record.root_dev = query.natural(6);
  record.root_ino = query.natural(7);
  record.epoch = query.integer(8);
  record.has_marker = query.flag(9);
  record.filter_hash = query.text(10);
  record.capabilities = query.text(11);
  record.entries = query.natural(12);
  record.bytes = query.natural(13);
  return record;
}

std::optional<PairRecord> find(Connection& connection, const PairIdentity& identity) {
  Query query = connection.query(kFindPair);
  query.bind(identity.provider, Blob{identity.container}, Blob{identity.prefix},
             Blob{identity.local_root});
  if (!query.step()) return std::nullopt;
  return read_pair(query);
}

void insert(Connection& connection, const PairIdentity& identity) {
  connection
      .query(
          "INSERT INTO pairs(uuid, provider, container, prefix, local_root) "
          "VALUES(?1, ?2, ?3, ?4, ?5)")
      .bind(base::random_hex_id(base::system_random()), identity.provider,
            Blob{identity.container}, Blob{identity.prefix}, Blob{identity.local_root})
      .run();
}

RunRow read_run(const Query& query) {
  RunRow run;
  run.id = query.integer(0);
  run.pair = query.integer(1);
  run.command = query.text(2);
  run.epoch = query.integer(3);
  run.started_ns = query.integer(4);
  run.ended_ns = query.integer(5);
  run.outcome = static_cast<RunOutcome>(query.small(6));
  run.stats = query.text(7);
  return run;
}

}  // namespace

PairRecord SqliteStateDatabase::pair(const PairIdentity& identity) {
  const std::lock_guard lock(mutex_);
  if (auto known = find(*connection_, identity)) return *std::move(known);
  Transaction transaction(*connection_);
  // Another process may have been faster.
  if (!find(*connection_, identity)) insert(*connection_, identity);
  auto record = find(*connection_, identity);
  transaction.commit();
  return record.value();
}

std::optional<PairRecord> SqliteStateDatabase::find_pair(
    const PairIdentity& identity) const {
  const std::lock_guard lock(mutex_);
  return find(*connection_, identity);
}

std::vector<PairRecord> SqliteStateDatabase::pairs() const {
  const std::lock_guard lock(mutex_);
  std::vector<PairRecord> records;
  Query query = connection_->query(kSelectPairs);
  while (query.step()) records.push_back(read_pair(query));
  return records;
}

void SqliteStateDatabase::save_pair(const PairRecord& record) {
  const std::lock_guard lock(mutex_);
  const DurableCommits durable(*connection_);
  Transaction transaction(*connection_);
  connection_
      ->query(
          "UPDATE pairs SET root_dev = ?2, root_ino = ?3, epoch = ?4, has_marker = ?5, "
          "filter_hash = ?6, capabilities = ?7 WHERE pair_id = ?1")
      .bind(record.id, record.root_dev, record.root_ino, record.epoch, record.has_marker,
            record.filter_hash, record.capabilities)
      .run();
  transaction.commit();
}

std::optional<std::string> SqliteStateDatabase::meta(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  Query query = connection_->query("SELECT v FROM meta WHERE k = ?1");
  if (!query.bind(name).step()) return std::nullopt;
  return query.text(0);
}

void SqliteStateDatabase::set_meta(const std::string& name, const std::string& value) {
  const std::lock_guard lock(mutex_);
  connection_->query("INSERT OR REPLACE INTO meta(k, v) VALUES(?1, ?2)")
      .bind(name, value)
      .run();
}

RunId SqliteStateDatabase::begin_run(PairId pair, const std::string& command,
                                     std::int64_t epoch, std::int64_t now_ns) {
  const std::lock_guard lock(mutex_);
  connection_
      ->query(
          "INSERT INTO runs(pair_id, command, epoch, t0, t1, outcome, stats) "
          "VALUES(?1, ?2, ?3, ?4, 0, ?5, '')")
      .bind(pair, command, epoch, now_ns, static_cast<int>(RunOutcome::kRunning))
      .run();
  return connection_->last_insert_rowid();
}

void SqliteStateDatabase::end_run(const RunRow& run) {
  const std::lock_guard lock(mutex_);
  connection_
      ->query("UPDATE runs SET t1 = ?2, outcome = ?3, stats = ?4 WHERE run_id = ?1")
      .bind(run.id, run.ended_ns, static_cast<int>(run.outcome), run.stats)
      .run();
}

std::vector<RunRow> SqliteStateDatabase::recent_runs(int limit) const {
  const std::lock_guard lock(mutex_);
  std::vector<RunRow> runs;
  Query query = connection_->query(
      "SELECT run_id, pair_id, command, epoch, t0, t1, outcome, stats FROM runs "
      "ORDER BY run_id DESC LIMIT ?1");
  query.bind(limit);
  while (query.step()) runs.push_back(read_run(query));
  return runs;
}

}  // namespace cloudsync::state

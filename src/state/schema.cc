// SPDX-License-Identifier: Apache-2.0
#include "state/schema.h"

#include <chrono>
#include <filesystem>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/time_format.h"
#include "state/database_file.h"

namespace cloudsync::state {
namespace {

// Keys and tokens are BLOBs: compared as bytes, so that the order of the primary key is
// the order of the merge and a scan reads the B-tree once from left to right.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE meta(
  k TEXT PRIMARY KEY, v TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE pairs(
  pair_id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL UNIQUE,
  local_root BLOB NOT NULL, provider TEXT NOT NULL, container BLOB NOT NULL, prefix BLOB NOT NULL,
  root_dev INTEGER NOT NULL DEFAULT 0, root_ino INTEGER NOT NULL DEFAULT 0,
  epoch INTEGER NOT NULL DEFAULT 0, has_marker INTEGER NOT NULL DEFAULT 0,
  filter_hash TEXT NOT NULL DEFAULT '', capabilities TEXT NOT NULL DEFAULT '',
  UNIQUE(provider, container, prefix, local_root));
CREATE TABLE totals(
  pair_id INTEGER PRIMARY KEY,
  base_rows INTEGER NOT NULL, base_bytes INTEGER NOT NULL,
  bytes_synced INTEGER NOT NULL, operations INTEGER NOT NULL);
CREATE TABLE entries(
  pair_id INTEGER NOT NULL, key BLOB NOT NULL, kind INTEGER NOT NULL, size INTEGER NOT NULL,
  md5 BLOB NOT NULL, sha256 BLOB, crc32c INTEGER,
  l_mtime INTEGER NOT NULL, l_ctime INTEGER NOT NULL, l_ino INTEGER NOT NULL,
  l_dev INTEGER NOT NULL, l_mode INTEGER NOT NULL,
  r_token BLOB NOT NULL, r_version BLOB NOT NULL, r_mtime INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  PRIMARY KEY(pair_id, key)) WITHOUT ROWID;
CREATE TABLE runs(
  run_id INTEGER PRIMARY KEY AUTOINCREMENT, pair_id INTEGER NOT NULL, command TEXT NOT NULL,
  epoch INTEGER NOT NULL, t0 INTEGER NOT NULL, t1 INTEGER NOT NULL, outcome INTEGER NOT NULL,
  stats TEXT NOT NULL);
CREATE TABLE operations(
  op_id INTEGER PRIMARY KEY AUTOINCREMENT, run_id INTEGER NOT NULL, pair_id INTEGER NOT NULL,
  key BLOB NOT NULL, action INTEGER NOT NULL, cls INTEGER NOT NULL, state INTEGER NOT NULL,
  attempts INTEGER NOT NULL, bytes INTEGER NOT NULL, old_sum BLOB, new_sum BLOB,
  old_token BLOB NOT NULL, new_token BLOB NOT NULL, trash_ref BLOB NOT NULL,
  err_code TEXT NOT NULL, err_text TEXT NOT NULL, t0 INTEGER NOT NULL, t1 INTEGER NOT NULL);
CREATE INDEX op_failed ON operations(t1) WHERE state = 1;
CREATE TABLE retry(
  pair_id INTEGER NOT NULL, key BLOB NOT NULL, local_path BLOB NOT NULL, action INTEGER NOT NULL,
  attempts INTEGER NOT NULL, err_code TEXT NOT NULL, err_text TEXT NOT NULL,
  failed_at INTEGER NOT NULL,
  PRIMARY KEY(pair_id, key)) WITHOUT ROWID;
CREATE TABLE conflicts(
  pair_id INTEGER NOT NULL, key BLOB NOT NULL, type INTEGER NOT NULL,
  l_present INTEGER NOT NULL, l_size INTEGER NOT NULL, l_sum BLOB, l_mtime INTEGER NOT NULL,
  l_ctime INTEGER NOT NULL, l_ino INTEGER NOT NULL,
  r_present INTEGER NOT NULL, r_size INTEGER NOT NULL, r_sum BLOB, r_mtime INTEGER NOT NULL,
  r_token BLOB NOT NULL, b_sum BLOB, choice INTEGER,
  first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL,
  PRIMARY KEY(pair_id, key)) WITHOUT ROWID;
CREATE TABLE transfers(
  op_id INTEGER PRIMARY KEY AUTOINCREMENT, pair_id INTEGER NOT NULL, key BLOB NOT NULL,
  dir INTEGER NOT NULL, size INTEGER NOT NULL, part_size INTEGER NOT NULL,
  src_mtime INTEGER NOT NULL, src_ctime INTEGER NOT NULL, src_ino INTEGER NOT NULL,
  src_dev INTEGER NOT NULL, expect_token BLOB NOT NULL, upload_ref BLOB NOT NULL,
  temp_name BLOB NOT NULL, t0 INTEGER NOT NULL,
  UNIQUE(pair_id, key, dir));
CREATE TABLE parts(
  op_id INTEGER NOT NULL REFERENCES transfers ON DELETE CASCADE, no INTEGER NOT NULL,
  off INTEGER NOT NULL, len INTEGER NOT NULL, etag TEXT NOT NULL, sum BLOB,
  PRIMARY KEY(op_id, no)) WITHOUT ROWID;
)sql";

// The id tells two databases of one root apart, wherever their files are moved.
constexpr const char* kVersion2 = R"sql(
INSERT INTO meta(k, v) VALUES('database_id', lower(hex(randomblob(16))));
CREATE TABLE intents(
  pair_id INTEGER NOT NULL, key BLOB NOT NULL, action INTEGER NOT NULL, md5 BLOB NOT NULL,
  kind INTEGER NOT NULL, size INTEGER NOT NULL, sha256 BLOB,
  l_mtime INTEGER NOT NULL, l_ctime INTEGER NOT NULL, l_ino INTEGER NOT NULL,
  l_dev INTEGER NOT NULL, l_mode INTEGER NOT NULL, flags INTEGER NOT NULL,
  expect_token BLOB NOT NULL, etag BLOB NOT NULL, crc64 INTEGER, t0 INTEGER NOT NULL,
  PRIMARY KEY(pair_id, key, action, md5)) WITHOUT ROWID;
)sql";

constexpr Migration kMigrations[] = {{1, kVersion1}, {2, kVersion2}};

// SQLite answers BUSY at once, without asking its busy handler, when two processes turn a
// new file to WAL together.
void set_wal(Connection& connection) {
  constexpr int kTries = 100;
  for (int attempt = 1;; ++attempt) {
    try {
      if (connection.text("PRAGMA journal_mode=WAL") == "wal") return;
    } catch (const Error&) {
      if (attempt >= kTries) throw;
    }
    if (attempt >= kTries) {
      throw Error(
          ErrorCode::kUnsupported,
          fmt::format("state database \"{}\": this file system cannot hold it (no "
                      "write-ahead log); set sync_state_db to a local disk",
                      connection.path()));
    }
    base::system_clock().sleep_for(std::chrono::milliseconds(20), {});
  }
}

std::string backup_before_migration(Connection& connection, std::int64_t version) {
  const std::string target =
      unused_name(connection.path() + fmt::format(".backup-v{}-", version) +
                  base::format_compact(base::system_clock().now_ns()));
  create_private_file(target);
  connection.backup_to(target);
  return target;
}

void run_step(Connection& connection, const Migration& step) {
  Transaction transaction(connection);
  // Another process may have done it while this one waited for the lock.
  if (connection.integer("PRAGMA user_version") >= step.version) return;
  connection.execute(step.sql);
  connection.execute(fmt::format("PRAGMA user_version={}", step.version).c_str());
  connection.execute(fmt::format("PRAGMA application_id={}", kApplicationId).c_str());
  transaction.commit();
}

}  // namespace

std::span<const Migration> migrations() { return kMigrations; }

std::int64_t newest_version() { return migrations().back().version; }

// In one transaction: another process may be making the tables just now.
SchemaStamp read_stamp(Connection& connection) {
  connection.execute("SAVEPOINT stamp");
  const SchemaStamp stamp{
      .application_id = connection.integer("PRAGMA application_id"),
      .version = connection.integer("PRAGMA user_version"),
      .has_tables = connection.integer("SELECT count(*) FROM sqlite_master") > 0};
  connection.execute("RELEASE stamp");
  return stamp;
}

void refuse_foreign(const SchemaStamp& stamp, const std::string& path) {
  if (stamp.application_id != kApplicationId) {
    if (!stamp.has_tables) return;
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format(
            "\"{}\" is another program's SQLite database, not a state database of "
            "cloudsync; set sync_state_db to another file",
            path));
  }
  if (stamp.version <= newest_version()) return;
  throw Error(
      ErrorCode::kUnsupported,
      fmt::format("state database \"{}\" has schema version {}, this program knows "
                  "versions up to {}; use the newer cloudsync that wrote it",
                  path, stamp.version, newest_version()));
}

void configure_writer(Connection& connection) {
  connection.execute("PRAGMA page_size=8192");  // of a new file only
  set_wal(connection);
  connection.execute(
      "PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; PRAGMA cache_size=-65536;"
      "PRAGMA temp_store=FILE; PRAGMA wal_autocheckpoint=4000;"
      "PRAGMA journal_size_limit=268435456");
}

std::string migrate(Connection& connection, std::span<const Migration> steps) {
  std::string backup;
  const SchemaStamp stamp = read_stamp(connection);
  for (const Migration& step : steps) {
    if (step.version <= stamp.version) continue;
    if (stamp.has_tables && backup.empty()) {
      backup = backup_before_migration(connection, stamp.version);
    }
    run_step(connection, step);
  }
  return backup;
}

void migrate_copy(Connection& connection, std::span<const Migration> steps) {
  for (const Migration& step : steps) run_step(connection, step);
}

}  // namespace cloudsync::state

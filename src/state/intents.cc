// SPDX-License-Identifier: Apache-2.0
// Writes that were on their way.
#include "state/intents.h"

#include "state/sqlite_state_database.h"

namespace cloudsync::state {
namespace {

constexpr std::string_view kSave =
    "INSERT OR REPLACE INTO intents(pair_id, key, action, md5, kind, size, sha256, "
    "l_mtime, l_ctime, l_ino, l_dev, l_mode, flags, expect_token, etag, crc64, t0) "
    "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";
constexpr std::string_view kSelect =
    "SELECT key, action, md5, kind, size, sha256, l_mtime, l_ctime, l_ino, l_dev, "
    "l_mode, flags, expect_token, etag, crc64, t0 FROM intents WHERE pair_id = ?1 "
    "AND key = ?2 ORDER BY t0 DESC";

IntentRow read_intent(const Query& query, PairId pair) {
  IntentRow row;
  row.pair = pair;
  row.base.key.assign(query.bytes(0));
  row.action = static_cast<OperationAction>(query.small(1));
  row.base.md5 = query.digest<16>(2);
  row.base.kind = static_cast<EntryKind>(query.small(3));
  row.base.size = query.natural(4);
  row.base.sha256 = query.optional_digest<32>(5);
  row.base.l_mtime = query.integer(6);
  row.base.l_ctime = query.integer(7);
  row.base.l_ino = query.natural(8);
  row.base.l_dev = query.natural(9);
  row.base.l_mode = static_cast<std::uint32_t>(query.integer(10));
  row.base.flags = static_cast<std::uint32_t>(query.integer(11));
  row.expect_token.assign(query.bytes(12));
  row.etag.assign(query.bytes(13));
  if (!query.is_null(14)) row.crc64nvme = query.natural(14);
  row.started_ns = query.integer(15);
  return row;
}

}  // namespace

void save_intent(Connection& connection, const IntentRow& row) {
  const BaseRow& base = row.base;
  connection.query(kSave)
      .bind(row.pair, Blob{base.key}, static_cast<int>(row.action), base.md5,
            static_cast<int>(base.kind), base.size, base.sha256, base.l_mtime,
            base.l_ctime, base.l_ino, base.l_dev, base.l_mode, base.flags,
            Blob{row.expect_token}, Blob{row.etag}, row.crc64nvme, row.started_ns)
      .run();
}

void erase_intents(Connection& connection, const EraseIntents& change) {
  if (!change.action) {
    connection.query("DELETE FROM intents WHERE pair_id = ?1 AND key = ?2")
        .bind(change.pair, Blob{change.key})
        .run();
    return;
  }
  connection.query("DELETE FROM intents WHERE pair_id = ?1 AND key = ?2 AND action = ?3")
      .bind(change.pair, Blob{change.key}, static_cast<int>(*change.action))
      .run();
}

std::uint64_t SqliteStateDatabase::count_intents(PairId pair) const {
  const std::lock_guard lock(mutex_);
  // A reader takes a database of an earlier version as it is.
  if (connection_->integer("SELECT count(*) FROM sqlite_master WHERE name = 'intents'") ==
      0) {
    return 0;
  }
  Query query = connection_->query("SELECT count(*) FROM intents WHERE pair_id = ?1");
  query.bind(pair);
  return query.step() ? query.natural(0) : 0;
}

std::vector<IntentRow> SqliteStateDatabase::intents(PairId pair,
                                                    const std::string& key) const {
  const std::lock_guard lock(mutex_);
  std::vector<IntentRow> rows;
  Query query = connection_->query(kSelect);
  query.bind(pair, Blob{key});
  while (query.step()) rows.push_back(read_intent(query, pair));
  return rows;
}

void SqliteStateDatabase::forget_download_inodes(const std::set<std::uint64_t>& inodes) {
  if (inodes.empty()) return;
  const std::lock_guard lock(mutex_);
  Transaction transaction(*connection_);
  std::vector<std::pair<PairId, std::string>> found;
  {
    Query query =
        connection_->query("SELECT pair_id, key, l_ino FROM intents WHERE action = ?1");
    query.bind(static_cast<int>(OperationAction::kDownload));
    while (query.step()) {
      if (inodes.contains(query.natural(2)))
        found.emplace_back(query.integer(0), query.bytes(1));
    }
  }
  for (const auto& [pair, key] : found) {
    connection_
        ->query(
            "UPDATE intents SET l_ino = 0 WHERE pair_id = ?1 AND key = ?2 AND "
            "action = ?3")
        .bind(pair, Blob{key}, static_cast<int>(OperationAction::kDownload))
        .run();
  }
  transaction.commit();
}

void SqliteStateDatabase::erase_intents_before(PairId pair, std::int64_t started_ns) {
  const std::lock_guard lock(mutex_);
  connection_->query("DELETE FROM intents WHERE pair_id = ?1 AND t0 < ?2")
      .bind(pair, started_ns)
      .run();
}

}  // namespace cloudsync::state

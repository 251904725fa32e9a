// SPDX-License-Identifier: Apache-2.0
// Open conflicts and what the user chose for them.
#include <fmt/format.h>

#include "base/encoding.h"
#include "state/sqlite_state_database.h"

namespace cloudsync::state {
namespace {

constexpr std::string_view kSelect =
    "SELECT pair_id, key, type, l_present, l_size, l_sum, l_mtime, l_ctime, l_ino, "
    "r_present, "
    "r_size, r_sum, r_mtime, r_token, b_sum, choice, first_seen, last_seen FROM "
    "conflicts "
    "WHERE ?1 IS NULL OR pair_id = ?1 ORDER BY pair_id, key";
constexpr std::string_view kFind =
    "SELECT pair_id, key, type, l_present, l_size, l_sum, l_mtime, l_ctime, l_ino, "
    "r_present, "
    "r_size, r_sum, r_mtime, r_token, b_sum, choice, first_seen, last_seen FROM "
    "conflicts "
    "WHERE pair_id = ?1 AND key = ?2";

ConflictRow read_conflict(const Query& query) {
  ConflictRow row;
  row.pair = query.integer(0);
  row.key = query.text(1);
  row.reason = static_cast<ConflictReason>(query.small(2));
  row.local.present = query.flag(3);
  row.local.size = query.natural(4);
  row.local.md5 = query.optional_digest<16>(5);
  row.local.mtime_ns = query.integer(6);
  row.local.ctime_ns = query.integer(7);
  row.local.ino = query.natural(8);
  row.cloud.present = query.flag(9);
  row.cloud.size = query.natural(10);
  row.cloud.md5 = query.optional_digest<16>(11);
  row.cloud.mtime_ns = query.integer(12);
  row.cloud.token = query.text(13);
  row.base_md5 = query.optional_digest<16>(14);
  if (!query.is_null(15)) row.choice = static_cast<ConflictStrategy>(query.small(15));
  row.first_seen_ns = query.integer(16);
  row.last_seen_ns = query.integer(17);
  return row;
}

}  // namespace

std::vector<ConflictRow> SqliteStateDatabase::conflicts(
    std::optional<PairId> pair) const {
  const std::lock_guard lock(mutex_);
  std::vector<ConflictRow> rows;
  Query query = connection_->query(kSelect);
  query.bind(pair);
  while (query.step()) rows.push_back(read_conflict(query));
  return rows;
}

std::optional<ConflictRow> SqliteStateDatabase::conflict(PairId pair,
                                                         const std::string& key) const {
  const std::lock_guard lock(mutex_);
  Query query = connection_->query(kFind);
  if (!query.bind(pair, Blob{key}).step()) return std::nullopt;
  return read_conflict(query);
}

void SqliteStateDatabase::set_conflict_choice(PairId pair, const std::string& key,
                                              std::optional<ConflictStrategy> choice) {
  const std::lock_guard lock(mutex_);
  std::optional<int> stored;
  if (choice) stored = static_cast<int>(*choice);
  connection_->query("UPDATE conflicts SET choice = ?3 WHERE pair_id = ?1 AND key = ?2")
      .bind(pair, Blob{key}, stored)
      .run();
  if (connection_->changes() == 1) return;
  throw Error(
      ErrorCode::kNotFound,
      fmt::format(
          "\"{}\" has no open conflict; `conflicts list` shows those that are open",
          base::printable(key)));
}

}  // namespace cloudsync::state

// SPDX-License-Identifier: Apache-2.0
// Transfers that may outlive their process, and their parts.
#include "state/sqlite_state_database.h"

namespace cloudsync::state {
namespace {

constexpr std::string_view kSelect =
    "SELECT op_id, pair_id, key, dir, size, part_size, src_mtime, src_ctime, src_ino, "
    "src_dev, "
    "expect_token, upload_ref, temp_name, t0 FROM transfers "
    "WHERE ?1 IS NULL OR pair_id = ?1 ORDER BY op_id";
constexpr std::string_view kFind =
    "SELECT op_id, pair_id, key, dir, size, part_size, src_mtime, src_ctime, src_ino, "
    "src_dev, "
    "expect_token, upload_ref, temp_name, t0 FROM transfers "
    "WHERE pair_id = ?1 AND key = ?2 AND dir = ?3";
constexpr std::string_view kInsert =
    "INSERT INTO transfers(pair_id, key, dir, size, part_size, src_mtime, src_ctime, "
    "src_ino, "
    "src_dev, expect_token, upload_ref, temp_name, t0) "
    "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";

TransferRow read_transfer(const Query& query) {
  TransferRow row;
  row.id = query.integer(0);
  row.pair = query.integer(1);
  row.key = query.text(2);
  row.direction = static_cast<OperationAction>(query.small(3));
  row.size = query.natural(4);
  row.part_size = query.natural(5);
  row.src_mtime = query.integer(6);
  row.src_ctime = query.integer(7);
  row.src_ino = query.natural(8);
  row.src_dev = query.natural(9);
  row.expect_token = query.text(10);
  row.upload_ref = query.text(11);
  row.temp_name = query.text(12);
  row.started_ns = query.integer(13);
  return row;
}

PartRow read_part(const Query& query, OperationId transfer) {
  PartRow row;
  row.transfer = transfer;
  row.number = static_cast<std::uint32_t>(query.integer(0));
  row.offset = query.natural(1);
  row.length = query.natural(2);
  row.etag = query.text(3);
  row.md5 = query.optional_digest<16>(4);
  return row;
}

}  // namespace

OperationId SqliteStateDatabase::begin_transfer(const TransferRow& row) {
  const std::lock_guard lock(mutex_);
  const int direction = static_cast<int>(row.direction);
  Transaction transaction(*connection_);
  connection_->query("DELETE FROM transfers WHERE pair_id = ?1 AND key = ?2 AND dir = ?3")
      .bind(row.pair, Blob{row.key}, direction)
      .run();
  connection_->query(kInsert)
      .bind(row.pair, Blob{row.key}, direction, row.size, row.part_size, row.src_mtime,
            row.src_ctime, row.src_ino, row.src_dev, Blob{row.expect_token},
            Blob{row.upload_ref}, Blob{row.temp_name}, row.started_ns)
      .run();
  const OperationId id = connection_->last_insert_rowid();
  transaction.commit();
  return id;
}

void SqliteStateDatabase::set_upload_ref(OperationId id, const std::string& upload_ref) {
  const std::lock_guard lock(mutex_);
  connection_->query("UPDATE transfers SET upload_ref = ?2 WHERE op_id = ?1")
      .bind(id, Blob{upload_ref})
      .run();
}

std::optional<TransferRow> SqliteStateDatabase::find_transfer(
    PairId pair, const std::string& key, OperationAction direction) const {
  const std::lock_guard lock(mutex_);
  Query query = connection_->query(kFind);
  if (!query.bind(pair, Blob{key}, static_cast<int>(direction)).step())
    return std::nullopt;
  return read_transfer(query);
}

std::vector<TransferRow> SqliteStateDatabase::transfers(
    std::optional<PairId> pair) const {
  const std::lock_guard lock(mutex_);
  std::vector<TransferRow> rows;
  Query query = connection_->query(kSelect);
  query.bind(pair);
  while (query.step()) rows.push_back(read_transfer(query));
  return rows;
}

std::vector<PartRow> SqliteStateDatabase::parts(OperationId transfer) const {
  const std::lock_guard lock(mutex_);
  std::vector<PartRow> rows;
  Query query = connection_->query(
      "SELECT no, off, len, etag, sum FROM parts WHERE op_id = ?1 ORDER BY no");
  query.bind(transfer);
  while (query.step()) rows.push_back(read_part(query, transfer));
  return rows;
}

}  // namespace cloudsync::state

// SPDX-License-Identifier: Apache-2.0
#include "state/base_rows.h"

#include <utility>

#include "state/sqlite_state_database.h"

namespace cloudsync::state {
namespace {

// A scan that stays open pins the log, which then grows without end; so it starts anew
// this often.
constexpr int kRowsPerStatement = 50000;

constexpr std::string_view kColumns =
    "key, kind, size, md5, sha256, crc32c, l_mtime, l_ctime, l_ino, l_dev, l_mode, "
    "r_token, "
    "r_version, r_mtime, flags";

constexpr std::string_view kInsert =
    "INSERT INTO entries(pair_id, key, kind, size, md5, sha256, crc32c, l_mtime, "
    "l_ctime, l_ino, "
    "l_dev, l_mode, r_token, r_version, r_mtime, flags) "
    "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16) "
    "ON CONFLICT DO NOTHING";
constexpr std::string_view kUpdate =
    "UPDATE entries SET kind = ?3, size = ?4, md5 = ?5, sha256 = ?6, crc32c = ?7, "
    "l_mtime = ?8, "
    "l_ctime = ?9, l_ino = ?10, l_dev = ?11, l_mode = ?12, r_token = ?13, r_version = "
    "?14, "
    "r_mtime = ?15, flags = ?16 WHERE pair_id = ?1 AND key = ?2";
constexpr std::string_view kSize =
    "SELECT size FROM entries WHERE pair_id = ?1 AND key = ?2";
constexpr std::string_view kErase = "DELETE FROM entries WHERE pair_id = ?1 AND key = ?2";
constexpr std::string_view kFind =
    "SELECT key, kind, size, md5, sha256, crc32c, l_mtime, l_ctime, l_ino, l_dev, "
    "l_mode, r_token, "
    "r_version, r_mtime, flags FROM entries WHERE pair_id = ?1 AND key = ?2";

void read_row(const Query& query, BaseRow& row) {
  row.key.assign(query.bytes(0));
  row.kind = static_cast<EntryKind>(query.small(1));
  row.size = query.natural(2);
  row.md5 = query.digest<16>(3);
  row.sha256 = query.optional_digest<32>(4);
  row.crc32c.reset();
  if (!query.is_null(5)) row.crc32c = static_cast<std::uint32_t>(query.integer(5));
  row.l_mtime = query.integer(6);
  row.l_ctime = query.integer(7);
  row.l_ino = query.natural(8);
  row.l_dev = query.natural(9);
  row.l_mode = static_cast<std::uint32_t>(query.integer(10));
  row.r_token.assign(query.bytes(11));
  row.r_version.assign(query.bytes(12));
  row.r_mtime = query.integer(13);
  row.flags = static_cast<std::uint32_t>(query.integer(14));
}

void write_row(Query query, PairId pair, const BaseRow& row) {
  query.bind(pair, Blob{row.key}, static_cast<int>(row.kind), row.size, row.md5,
             row.sha256, row.crc32c, row.l_mtime, row.l_ctime, row.l_ino, row.l_dev,
             row.l_mode, Blob{row.r_token}, Blob{row.r_version}, row.r_mtime, row.flags);
  query.run();
}

std::optional<std::uint64_t> size_of(Connection& connection, PairId pair,
                                     const std::string& key) {
  Query query = connection.query(kSize);
  if (!query.bind(pair, Blob{key}).step()) return std::nullopt;
  return query.natural(0);
}

std::string scan_sql(std::string_view lower, bool bounded) {
  std::string sql = "SELECT ";
  sql += kColumns;
  sql += " FROM entries WHERE pair_id = ?1 AND key ";
  sql += lower;
  sql += " ?2";
  if (bounded) sql += " AND key < ?3";
  sql += " ORDER BY key LIMIT " + std::to_string(kRowsPerStatement);
  return sql;
}

class SqliteBaseCursor : public BaseCursor {
 public:
  SqliteBaseCursor(std::unique_ptr<Connection> connection, PairId pair, KeyRange range)
      : connection_(std::move(connection)), pair_(pair), range_(std::move(range)) {
    open(">=", range_.first);
  }

  bool next(BaseRow& row) override {
    while (query_) {
      if (query_->step()) {
        read_row(*query_, row);
        ++rows_;
        if (rows_ == kRowsPerStatement) open(">", row.key);
        return true;
      }
      close();
    }
    return false;
  }

 private:
  void open(std::string_view lower, const std::string& key) {
    const bool bounded = !range_.last.empty();
    close();
    statement_ = connection_->prepare(scan_sql(lower, bounded));
    query_.emplace(*connection_, statement_.get());
    query_->bind(pair_, Blob{key});
    if (bounded) query_->bind_at(3, Blob{range_.last});
    rows_ = 0;
  }

  void close() {
    query_.reset();
    statement_.reset();
  }

  std::unique_ptr<Connection> connection_;
  PairId pair_;
  KeyRange range_;
  StatementHandle statement_;
  std::optional<Query> query_;
  int rows_ = 0;
};

class EmptyBaseCursor : public BaseCursor {
 public:
  bool next(BaseRow&) override { return false; }
};

}  // namespace

void upsert_base_row(Connection& connection, PairId pair, const BaseRow& row,
                     TotalsDelta& delta) {
  write_row(connection.query(kInsert), pair, row);
  delta.base_bytes += static_cast<std::int64_t>(row.size);
  if (connection.changes() == 1) {
    ++delta.base_rows;
    return;
  }
  const auto old_size = size_of(connection, pair, row.key);
  delta.base_bytes -= static_cast<std::int64_t>(old_size.value_or(0));
  write_row(connection.query(kUpdate), pair, row);
}

void erase_base_row(Connection& connection, PairId pair, const std::string& key,
                    TotalsDelta& delta) {
  const auto size = size_of(connection, pair, key);
  if (!size) return;
  connection.query(kErase).bind(pair, Blob{key}).run();
  --delta.base_rows;
  delta.base_bytes -= static_cast<std::int64_t>(*size);
}

std::unique_ptr<BaseCursor> SqliteStateDatabase::base_rows(PairId pair,
                                                           const KeyRange& range) const {
  if (place_.uri.empty()) return std::make_unique<EmptyBaseCursor>();
  auto reader = std::make_unique<Connection>(place_.uri, place_.path, place_.flags,
                                             place_.stop);
  return std::make_unique<SqliteBaseCursor>(std::move(reader), pair, range);
}

std::optional<BaseRow> SqliteStateDatabase::base_row(PairId pair,
                                                     const std::string& key) const {
  const std::lock_guard lock(mutex_);
  Query query = connection_->query(kFind);
  if (!query.bind(pair, Blob{key}).step()) return std::nullopt;
  BaseRow row;
  read_row(query, row);
  return row;
}

std::uint64_t SqliteStateDatabase::count_base_rows(PairId pair) const {
  const std::lock_guard lock(mutex_);
  Query query = connection_->query("SELECT base_rows FROM totals WHERE pair_id = ?1");
  return query.bind(pair).step() ? query.natural(0) : 0;
}

}  // namespace cloudsync::state

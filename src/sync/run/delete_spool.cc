// SPDX-License-Identifier: Apache-2.0
#include "sync/run/delete_spool.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <mutex>

#include "cloudsync/error.h"

namespace cloudsync::sync {

namespace {

constexpr char kSchema[] =
    "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-8192;"
    "CREATE TABLE planned(key BLOB NOT NULL, side INTEGER NOT NULL, size INTEGER NOT "
    "NULL,"
    " md5 BLOB NOT NULL, secure INTEGER NOT NULL, has_base INTEGER NOT NULL,"
    " decide_row INTEGER NOT NULL, mtime INTEGER, ctime INTEGER, ino INTEGER, dev "
    "INTEGER,"
    " token BLOB, kind INTEGER NOT NULL, modified INTEGER NOT NULL, PRIMARY KEY(key, "
    "side)) WITHOUT ROWID;"
    "CREATE TABLE created(side INTEGER NOT NULL, size INTEGER NOT NULL, md5 BLOB NOT "
    "NULL,"
    " n INTEGER NOT NULL, PRIMARY KEY(side, size, md5)) WITHOUT ROWID;"
    "CREATE TABLE forgotten(key BLOB NOT NULL PRIMARY KEY) WITHOUT ROWID;";

constexpr char kInsertPlanned[] =
    "INSERT OR REPLACE INTO planned VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,"
    "?14)";
constexpr char kInsertForgotten[] = "INSERT OR IGNORE INTO forgotten VALUES(?1)";
constexpr char kInsertCreated[] =
    "INSERT INTO created VALUES(?1,?2,?3,1) ON CONFLICT DO UPDATE SET n = n + 1";
// A rename on one side: its deletion there plus a file of the same content that this side
// gained.
constexpr char kCount[] =
    "SELECT count(*), (SELECT coalesce(sum(min(p.n, c.n)), 0) FROM"
    " (SELECT size, md5, count(*) AS n FROM planned WHERE side=?1 AND size>0 GROUP BY "
    "size, md5) p"
    " JOIN created c ON c.side=?1 AND c.size=p.size AND c.md5=p.md5),"
    " coalesce(sum(has_base=0), 0)"
    " FROM planned WHERE side=?1 AND substr(key,-1)<>x'2f'";

constexpr char kFiles[] =
    "SELECT * FROM planned WHERE substr(key,-1)<>x'2f' ORDER BY key DESC";
constexpr char kFolders[] =
    "SELECT * FROM planned WHERE substr(key,-1)=x'2f' ORDER BY key DESC";

std::size_t depth_of(const std::string& folder) {
  return static_cast<std::size_t>(std::count(folder.begin(), folder.end(), '/'));
}

struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

std::string column_bytes(sqlite3_stmt* statement, int column) {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
  return data == nullptr ? std::string() : std::string(data, size);
}

std::uint64_t column_unsigned(sqlite3_stmt* statement, int column) {
  return static_cast<std::uint64_t>(sqlite3_column_int64(statement, column));
}

void bind_bytes(sqlite3_stmt* statement, int index, const void* data, std::size_t size) {
  sqlite3_bind_blob(statement, index, size == 0 ? "" : data, static_cast<int>(size),
                    SQLITE_TRANSIENT);
}

void bind_integer(sqlite3_stmt* statement, int index, std::uint64_t value) {
  sqlite3_bind_int64(statement, index, static_cast<sqlite3_int64>(value));
}

}  // namespace

struct DeleteSpool::Impl {
  sqlite3* db = nullptr;
  Statement insert_planned;
  Statement insert_created;
  Statement insert_forgotten;
  mutable std::mutex mutex;
  std::uint64_t planned = 0;

  ~Impl() {
    insert_planned.reset();
    insert_created.reset();
    insert_forgotten.reset();
    sqlite3_close(db);
  }

  void check(int code) const {
    if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW) return;
    const auto kind = code == SQLITE_FULL ? ErrorCode::kDiskFull : ErrorCode::kLocalIo;
    throw Error(kind,
                std::string("cannot spool planned deletions in the temporary folder: ") +
                    sqlite3_errmsg(db));
  }

  Statement prepare(const char* sql) const {
    sqlite3_stmt* statement = nullptr;
    check(sqlite3_prepare_v2(db, sql, -1, &statement, nullptr));
    return Statement(statement);
  }

  void run_once(sqlite3_stmt* statement) const {
    const int code = sqlite3_step(statement);
    sqlite3_reset(statement);
    check(code);
  }
};

DeleteSpool::DeleteSpool() : impl_(std::make_unique<Impl>()) {
  impl_->check(sqlite3_open("", &impl_->db));
  impl_->check(sqlite3_exec(impl_->db, kSchema, nullptr, nullptr, nullptr));
  impl_->insert_planned = impl_->prepare(kInsertPlanned);
  impl_->insert_created = impl_->prepare(kInsertCreated);
  impl_->insert_forgotten = impl_->prepare(kInsertForgotten);
}

DeleteSpool::~DeleteSpool() = default;

void DeleteSpool::add(const PlannedDelete& planned) {
  const std::lock_guard lock(impl_->mutex);
  sqlite3_stmt* statement = impl_->insert_planned.get();
  bind_bytes(statement, 1, planned.key.data(), planned.key.size());
  sqlite3_bind_int(statement, 2, static_cast<int>(planned.side));
  bind_integer(statement, 3, planned.size);
  bind_bytes(statement, 4, planned.md5.data(), planned.md5.size());
  sqlite3_bind_int(statement, 5, planned.secure ? 1 : 0);
  sqlite3_bind_int(statement, 6, planned.has_base ? 1 : 0);
  sqlite3_bind_int(statement, 7, planned.decide_row);
  sqlite3_bind_int64(statement, 8, planned.local.mtime_ns);
  sqlite3_bind_int64(statement, 9, planned.local.ctime_ns);
  bind_integer(statement, 10, planned.local.ino);
  bind_integer(statement, 11, planned.local.dev);
  bind_bytes(statement, 12, planned.token.data(), planned.token.size());
  sqlite3_bind_int(statement, 13, static_cast<int>(planned.local.kind));
  sqlite3_bind_int64(statement, 14, planned.remote_modified_ns);
  impl_->run_once(statement);
  ++impl_->planned;
}

void DeleteSpool::forget(const std::string& key) {
  const std::lock_guard lock(impl_->mutex);
  bind_bytes(impl_->insert_forgotten.get(), 1, key.data(), key.size());
  impl_->run_once(impl_->insert_forgotten.get());
}

void DeleteSpool::take_forgotten(const std::function<void(const std::string&)>& visit) {
  const std::lock_guard lock(impl_->mutex);
  const Statement rows = impl_->prepare("SELECT key FROM forgotten ORDER BY key");
  int code = sqlite3_step(rows.get());
  for (; code == SQLITE_ROW; code = sqlite3_step(rows.get()))
    visit(column_bytes(rows.get(), 0));
  impl_->check(code);
  impl_->check(
      sqlite3_exec(impl_->db, "DELETE FROM forgotten", nullptr, nullptr, nullptr));
}

void DeleteSpool::created(Side side, std::uint64_t size, const Md5Digest& md5) {
  const std::lock_guard lock(impl_->mutex);
  sqlite3_stmt* statement = impl_->insert_created.get();
  sqlite3_bind_int(statement, 1, static_cast<int>(side));
  bind_integer(statement, 2, size);
  bind_bytes(statement, 3, md5.data(), md5.size());
  impl_->run_once(statement);
}

bool DeleteSpool::holds(Side side, const std::string& key) const {
  const std::lock_guard lock(impl_->mutex);
  const Statement row =
      impl_->prepare("SELECT 1 FROM planned WHERE key = ?1 AND side = ?2");
  bind_bytes(row.get(), 1, key.data(), key.size());
  sqlite3_bind_int(row.get(), 2, static_cast<int>(side));
  const int code = sqlite3_step(row.get());
  impl_->check(code);
  return code == SQLITE_ROW;
}

DeletionCount DeleteSpool::count(Side side) const {
  const std::lock_guard lock(impl_->mutex);
  const Statement statement = impl_->prepare(kCount);
  sqlite3_bind_int(statement.get(), 1, static_cast<int>(side));
  impl_->check(sqlite3_step(statement.get()));
  DeletionCount count;
  count.planned = column_unsigned(statement.get(), 0);
  count.renames = column_unsigned(statement.get(), 1);
  count.never_synced = column_unsigned(statement.get(), 2);
  return count;
}

std::uint64_t DeleteSpool::size() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->planned;
}

void DeleteSpool::drop(const KeyRange& range) {
  const std::lock_guard lock(impl_->mutex);
  const auto drop_from = [&](const std::string& table) {
    const Statement statement = impl_->prepare(
        ("DELETE FROM " + table + " WHERE key >= ?1 AND (?2 = x'' OR key < ?2)").c_str());
    bind_bytes(statement.get(), 1, range.first.data(), range.first.size());
    bind_bytes(statement.get(), 2, range.last.data(), range.last.size());
    impl_->check(sqlite3_step(statement.get()));
  };
  drop_from("forgotten");
  drop_from("planned");
  impl_->planned -= static_cast<std::uint64_t>(sqlite3_changes(impl_->db));
}

std::size_t DeleteSpool::deepest_folder() const {
  std::size_t deepest = 0;
  visit_rows(kFolders, [&](const PlannedDelete& planned) {
    deepest = std::max(deepest, depth_of(planned.key));
    return true;
  });
  return deepest;
}

void DeleteSpool::for_each(const Visitor& visit) const {
  visit_rows("SELECT * FROM planned ORDER BY key DESC", visit);
}

void DeleteSpool::for_each_file(const Visitor& visit) const { visit_rows(kFiles, visit); }

void DeleteSpool::for_each_folder(std::size_t depth, const Visitor& visit) const {
  visit_rows(kFolders, [&](const PlannedDelete& planned) {
    return depth_of(planned.key) != depth || visit(planned);
  });
}

void DeleteSpool::visit_rows(const char* sql, const Visitor& visit) const {
  const std::lock_guard lock(impl_->mutex);
  const Statement statement = impl_->prepare(sql);
  sqlite3_stmt* row = statement.get();
  for (;;) {
    const int code = sqlite3_step(row);
    impl_->check(code);
    if (code == SQLITE_DONE) return;
    PlannedDelete planned;
    planned.key = column_bytes(row, 0);
    planned.side = static_cast<Side>(sqlite3_column_int(row, 1));
    planned.size = column_unsigned(row, 2);
    const std::string md5 = column_bytes(row, 3);
    std::memcpy(planned.md5.data(), md5.data(), std::min(md5.size(), planned.md5.size()));
    planned.secure = sqlite3_column_int(row, 4) != 0;
    planned.has_base = sqlite3_column_int(row, 5) != 0;
    planned.decide_row = sqlite3_column_int(row, 6);
    planned.local.size = planned.size;
    planned.local.mtime_ns = sqlite3_column_int64(row, 7);
    planned.local.ctime_ns = sqlite3_column_int64(row, 8);
    planned.local.ino = column_unsigned(row, 9);
    planned.local.dev = column_unsigned(row, 10);
    planned.token = column_bytes(row, 11);
    planned.local.kind = static_cast<base::FileKind>(sqlite3_column_int(row, 12));
    planned.remote_modified_ns = sqlite3_column_int64(row, 13);
    if (!visit(planned)) return;
  }
}

}  // namespace cloudsync::sync

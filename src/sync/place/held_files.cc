// SPDX-License-Identifier: Apache-2.0
#include "sync/place/held_files.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <mutex>

#include "cloudsync/error.h"

namespace cloudsync::sync {
namespace {

constexpr char kSchema[] =
    "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-4096;"
    "CREATE TABLE held(path BLOB NOT NULL, kind INTEGER, size INTEGER, mtime INTEGER,"
    " dev INTEGER, ino INTEGER, md5 BLOB NOT NULL);";
constexpr char kInsert[] = "INSERT INTO held VALUES(?1,?2,?3,?4,?5,?6,?7)";
constexpr char kAll[] = "SELECT path, kind, size, mtime, dev, ino, md5 FROM held";

struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

void bind_bytes(sqlite3_stmt* statement, int index, const void* data, std::size_t size) {
  sqlite3_bind_blob(statement, index, data, static_cast<int>(size), SQLITE_TRANSIENT);
}

HeldFile read_row(sqlite3_stmt* row) {
  HeldFile file;
  file.path.assign(static_cast<const char*>(sqlite3_column_blob(row, 0)),
                   static_cast<std::size_t>(sqlite3_column_bytes(row, 0)));
  file.stat.kind = static_cast<base::FileKind>(sqlite3_column_int(row, 1));
  file.stat.size = static_cast<std::uint64_t>(sqlite3_column_int64(row, 2));
  file.stat.mtime_ns = sqlite3_column_int64(row, 3);
  file.stat.dev = static_cast<std::uint64_t>(sqlite3_column_int64(row, 4));
  file.stat.ino = static_cast<std::uint64_t>(sqlite3_column_int64(row, 5));
  std::memcpy(file.md5.data(), sqlite3_column_blob(row, 6), file.md5.size());
  return file;
}

}  // namespace

struct HeldFiles::Impl {
  sqlite3* db = nullptr;
  mutable std::mutex mutex;

  ~Impl() { sqlite3_close(db); }

  void check(int code) const {
    if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW) return;
    const auto kind = code == SQLITE_FULL ? ErrorCode::kDiskFull : ErrorCode::kLocalIo;
    throw Error(kind,
                std::string("cannot note replaced files in the temporary folder: ") +
                    sqlite3_errmsg(db));
  }

  Statement prepare(const char* sql) const {
    sqlite3_stmt* statement = nullptr;
    check(sqlite3_prepare_v2(db, sql, -1, &statement, nullptr));
    return Statement(statement);
  }
};

HeldFiles::HeldFiles() : impl_(std::make_unique<Impl>()) {
  impl_->check(sqlite3_open("", &impl_->db));
  impl_->check(sqlite3_exec(impl_->db, kSchema, nullptr, nullptr, nullptr));
}

HeldFiles::~HeldFiles() = default;

void HeldFiles::add(const HeldFile& file) {
  const std::lock_guard lock(impl_->mutex);
  const auto insert = impl_->prepare(kInsert);
  bind_bytes(insert.get(), 1, file.path.data(), file.path.size());
  sqlite3_bind_int(insert.get(), 2, static_cast<int>(file.stat.kind));
  sqlite3_bind_int64(insert.get(), 3, static_cast<sqlite3_int64>(file.stat.size));
  sqlite3_bind_int64(insert.get(), 4, file.stat.mtime_ns);
  sqlite3_bind_int64(insert.get(), 5, static_cast<sqlite3_int64>(file.stat.dev));
  sqlite3_bind_int64(insert.get(), 6, static_cast<sqlite3_int64>(file.stat.ino));
  bind_bytes(insert.get(), 7, file.md5.data(), file.md5.size());
  impl_->check(sqlite3_step(insert.get()));
}

void HeldFiles::for_each(const std::function<void(const HeldFile&)>& visit) const {
  const std::lock_guard lock(impl_->mutex);
  const auto rows = impl_->prepare(kAll);
  for (;;) {
    const int code = sqlite3_step(rows.get());
    impl_->check(code);
    if (code != SQLITE_ROW) return;
    visit(read_row(rows.get()));
  }
}

}  // namespace cloudsync::sync

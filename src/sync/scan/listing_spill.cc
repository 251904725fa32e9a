// SPDX-License-Identifier: Apache-2.0
#include "sync/scan/listing_spill.h"

#include <sqlite3.h>

#include <string>
#include <string_view>

#include "sync/scan/entry_codec.h"

namespace cloudsync::sync {
namespace {

struct CloseDatabase {
  void operator()(sqlite3* handle) const { sqlite3_close(handle); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Handle = std::unique_ptr<sqlite3, CloseDatabase>;
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

[[noreturn]] void fail(sqlite3* handle, const char* doing) {
  const bool full = sqlite3_errcode(handle) == SQLITE_FULL;
  throw Error(full ? ErrorCode::kDiskFull : ErrorCode::kLocalIo,
              std::string(doing) +
                  " a temporary database to sort the listing: " + sqlite3_errmsg(handle) +
                  "; SQLITE_TMPDIR or TMPDIR chooses another directory");
}

Handle open_temporary() {
  sqlite3* raw = nullptr;
  const int result = sqlite3_open("", &raw);
  Handle handle(raw);
  if (result != SQLITE_OK) fail(raw, "opening");
  return handle;
}

void execute(sqlite3* handle, const char* sql) {
  if (sqlite3_exec(handle, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    fail(handle, "using");
}

Statement prepare(sqlite3* handle, const char* sql) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(handle, sql, -1, &raw, nullptr) != SQLITE_OK)
    fail(handle, "using");
  return Statement(raw);
}

void bind_blob(sqlite3_stmt* statement, int index, std::string_view bytes) {
  // An empty blob needs a pointer too, or it is NULL.
  sqlite3_bind_blob64(statement, index, bytes.empty() ? "" : bytes.data(), bytes.size(),
                      SQLITE_STATIC);
}

std::string_view column_blob(sqlite3_stmt* statement, int index) {
  const void* data = sqlite3_column_blob(statement, index);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, index));
  return data ? std::string_view(static_cast<const char*>(data), size)
              : std::string_view();
}

}  // namespace

struct ListingSpill::Database {
  Handle handle = open_temporary();
  Statement insert;
  Statement select;
};

ListingSpill::ListingSpill() : database_(std::make_unique<Database>()) {
  sqlite3* handle = database_->handle.get();
  execute(
      handle,
      "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA temp_store=FILE;"
      "PRAGMA cache_size=-16384; CREATE TABLE listed(k BLOB NOT NULL, v BLOB NOT NULL);"
      "BEGIN");
  database_->insert = prepare(handle, "INSERT INTO listed VALUES(?1, ?2)");
}

ListingSpill::~ListingSpill() = default;

void ListingSpill::add(const RemoteEntry& entry) {
  const std::string value = encode_entry(entry);
  sqlite3_stmt* insert = database_->insert.get();
  bind_blob(insert, 1, entry.key);
  bind_blob(insert, 2, value);
  const int result = sqlite3_step(insert);
  sqlite3_reset(insert);
  if (result != SQLITE_DONE) fail(database_->handle.get(), "writing");
}

void ListingSpill::sort() {
  sqlite3* handle = database_->handle.get();
  execute(handle, "COMMIT");
  database_->select = prepare(handle, "SELECT v FROM listed ORDER BY k");
}

bool ListingSpill::next(RemoteEntry& entry) {
  sqlite3_stmt* select = database_->select.get();
  if (!select) return false;
  const int result = sqlite3_step(select);
  if (result == SQLITE_DONE) {
    // Another step would begin again.
    database_->select.reset();
    return false;
  }
  if (result != SQLITE_ROW) fail(database_->handle.get(), "reading");
  entry = decode_entry(column_blob(select, 0));
  return true;
}

}  // namespace cloudsync::sync

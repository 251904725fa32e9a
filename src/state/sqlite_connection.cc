// SPDX-License-Identifier: Apache-2.0
#include "state/sqlite_connection.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <sqlite3.h>

#include "base/clock.h"
#include "base/encoding.h"

namespace cloudsync::state {
namespace {

// What went wrong, before it becomes an Error.
struct Failure {
  int result = SQLITE_OK;  // extended code
  int system_errno = 0;
  std::string words;
};

Failure failure_of(sqlite3* database, int result) {
  if (database == nullptr) return {result, 0, sqlite3_errstr(result)};
  return {result, sqlite3_system_errno(database), sqlite3_errmsg(database)};
}

bool is_disk_full(const Failure& failure) {
  const int primary = failure.result & 0xFF;
  const bool no_space = failure.system_errno == ENOSPC || failure.system_errno == EDQUOT;
  return primary == SQLITE_FULL || (primary == SQLITE_IOERR && no_space);
}

std::string_view advice(int primary) {
  switch (primary) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return "; move the file away and run again: the next run compares both sides "
             "instead";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "; another process holds it, try again when that has ended";
    case SQLITE_READONLY:
      return "; it is open for reading only";
    case SQLITE_CANTOPEN:
      return "; check that its directory exists and may be written";
    default:
      return "";
  }
}

std::string_view symbol(int primary) {
  if (primary == SQLITE_CORRUPT) return "SQLITE_CORRUPT";
  if (primary == SQLITE_NOTADB) return "SQLITE_NOTADB";
  return "";
}

[[noreturn]] void throw_failure(const std::string& path, const Failure& failure) {
  const int primary = failure.result & 0xFF;
  std::string words = failure.words;
  if (failure.system_errno != 0 && primary != SQLITE_BUSY) {
    words += fmt::format(" ({})", std::strerror(failure.system_errno));
  }
  if (is_disk_full(failure)) {
    throw Error(ErrorCode::kDiskFull,
                fmt::format("state database \"{}\": {}; free some space and run again",
                            path, words));
  }
  ServiceDetail detail;
  detail.provider_code = symbol(primary);
  throw Error(ErrorCode::kLocalIo,
              fmt::format("state database \"{}\": {}{}", path, words, advice(primary)),
              std::move(detail));
}

sqlite3* open_handle(const std::string& uri, const std::string& path, int flags) {
  sqlite3* database = nullptr;
  const int result = sqlite3_open_v2(
      uri.c_str(), &database, flags | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, nullptr);
  if (result == SQLITE_OK) return database;
  const Failure failure = failure_of(database, result);
  sqlite3_close_v2(database);
  throw_failure(path, failure);
}

constexpr std::chrono::milliseconds kBusyStep{20};
constexpr int kMostTries = 500;      // ten seconds
constexpr int kTriesAfterStop = 40;  // a commit under way may still get its turn

}  // namespace

bool is_corruption(const Error& error) {
  return error.detail().provider_code == "SQLITE_CORRUPT" ||
         error.detail().provider_code == "SQLITE_NOTADB";
}

std::string database_uri(const std::string& path, std::string_view parameters) {
  return "file:" + base::percent_encode(path, true) + "?" + std::string(parameters);
}

void FinalizeStatement::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

void Connection::CloseDatabase::operator()(sqlite3* database) const {
  sqlite3_close_v2(database);
}

Connection::Connection(const std::string& uri, std::string path, int open_flags,
                       std::stop_token stop)
    : path_(std::move(path)),
      owner_(path_),
      stop_(std::move(stop)),
      database_(open_handle(uri, path_, open_flags)) {
  sqlite3_extended_result_codes(database_.get(), 1);
  wait_when_busy();
  // The file may come from anybody: its schema runs nothing and nothing rewrites it.
  sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
}

void Connection::wait_when_busy() {
  sqlite3_busy_handler(database_.get(), &Connection::on_busy, this);
}

// SQLite's own waiting knows no end but its own.
int Connection::on_busy(void* self, int tries) {
  auto& connection = *static_cast<Connection*>(self);
  if (tries == 0) connection.tries_at_stop_ = -1;
  if (connection.stop_.stop_requested()) {
    if (connection.tries_at_stop_ < 0) connection.tries_at_stop_ = tries;
    if (tries - connection.tries_at_stop_ >= kTriesAfterStop) return 0;
  }
  if (tries >= kMostTries) return 0;
  base::system_clock().sleep_for(kBusyStep, {});
  return 1;
}

Connection::~Connection() {
  if (!owner_.inherited()) return;
  // Closing would move the parent's log into the file.
  for (auto& [sql, statement] : statements_) static_cast<void>(statement.release());
  static_cast<void>(database_.release());
}

void Connection::fail(int result) const {
  if ((result & 0xFF) == SQLITE_BUSY && stop_.stop_requested()) {
    throw Error(ErrorCode::kCancelled,
                fmt::format("stopped while another process held the state database "
                            "\"{}\"",
                            path_));
  }
  throw_failure(path_, failure_of(database_.get(), result));
}

StatementHandle Connection::prepare(std::string_view sql) {
  require_own();
  sqlite3_stmt* statement = nullptr;
  const int result =
      sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                         SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (result != SQLITE_OK) fail(result);
  return StatementHandle(statement);
}

Query Connection::query(std::string_view sql) {
  require_own();
  auto found = statements_.find(sql);
  if (found == statements_.end()) found = statements_.emplace(sql, prepare(sql)).first;
  return Query(*this, found->second.get());
}

void Connection::execute(const char* sql) {
  require_own();
  const int result = sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) fail(result);
}

std::int64_t Connection::integer(const char* sql) {
  const StatementHandle statement = prepare(sql);
  Query query(*this, statement.get());
  return query.step() ? query.integer(0) : 0;
}

std::string Connection::text(const char* sql) {
  const StatementHandle statement = prepare(sql);
  Query query(*this, statement.get());
  return query.step() ? query.text(0) : std::string();
}

std::int64_t Connection::last_insert_rowid() const {
  return sqlite3_last_insert_rowid(database_.get());
}

std::int64_t Connection::changes() const { return sqlite3_changes64(database_.get()); }

void Connection::keep_log_on_close(bool keep) {
  const int result = sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE,
                                       keep ? 1 : 0, nullptr);
  if (result != SQLITE_OK) fail(result);
}

bool Connection::checkpoint_and_truncate() {
  // Without waiting: a reader in the way only means that the log stays a little longer.
  sqlite3_busy_timeout(database_.get(), 0);
  const int result = sqlite3_wal_checkpoint_v2(
      database_.get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  wait_when_busy();
  const int primary = result & 0xFF;
  if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED) return false;
  if (result != SQLITE_OK) fail(result);
  return true;
}

void Connection::backup_to(const std::string& target) {
  Connection copy(database_uri(target, "mode=rw"), target, SQLITE_OPEN_READWRITE);
  sqlite3_backup* backup =
      sqlite3_backup_init(copy.database_.get(), "main", database_.get(), "main");
  if (backup == nullptr) copy.fail(sqlite3_errcode(copy.database_.get()));
  sqlite3_backup_step(backup, -1);
  const int result = sqlite3_backup_finish(backup);
  if (result != SQLITE_OK) copy.fail(result);
}

Query::Query(Connection& connection, sqlite3_stmt* statement)
    : connection_(connection), statement_(statement) {}

Query::~Query() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

void Query::check(int result) const {
  if (result != SQLITE_OK) connection_.fail(result);
}

bool Query::step() {
  const int result = sqlite3_step(statement_);
  if (result == SQLITE_ROW) return true;
  if (result != SQLITE_DONE) connection_.fail(result);
  return false;
}

void Query::run() {
  while (step()) {
  }
}

void Query::reset() { sqlite3_reset(statement_); }

void Query::bind_at(int index, std::int64_t value) {
  check(sqlite3_bind_int64(statement_, index, value));
}
void Query::bind_at(int index, std::uint64_t value) {
  bind_at(index, static_cast<std::int64_t>(value));
}
void Query::bind_at(int index, std::uint32_t value) {
  bind_at(index, static_cast<std::int64_t>(value));
}
void Query::bind_at(int index, int value) {
  bind_at(index, static_cast<std::int64_t>(value));
}
void Query::bind_at(int index, bool value) { bind_at(index, value ? 1 : 0); }
void Query::bind_at(int index, std::nullptr_t) {
  check(sqlite3_bind_null(statement_, index));
}

void Query::bind_at(int index, const std::string& text) {
  check(sqlite3_bind_text64(statement_, index, text.data(), text.size(), SQLITE_TRANSIENT,
                            SQLITE_UTF8));
}

void Query::bind_at(int index, Blob value) {
  // A null pointer would bind NULL instead of an empty BLOB.
  const char* data = value.bytes.empty() ? "" : value.bytes.data();
  check(
      sqlite3_bind_blob64(statement_, index, data, value.bytes.size(), SQLITE_TRANSIENT));
}

std::int64_t Query::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::uint64_t Query::natural(int column) const {
  return static_cast<std::uint64_t>(integer(column));
}

int Query::small(int column) const { return sqlite3_column_int(statement_, column); }

bool Query::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::string_view Query::bytes(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  if (data == nullptr) return {};
  return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}

void Query::copy_exactly(int column, std::uint8_t* out, std::size_t size) const {
  const std::string_view stored = bytes(column);
  if (stored.size() != size) connection_.fail(SQLITE_CORRUPT);
  std::memcpy(out, stored.data(), size);
}

Transaction::Transaction(Connection& connection) : connection_(connection) {
  connection_.query("BEGIN IMMEDIATE").run();
}

Transaction::~Transaction() {
  if (!open_) return;
  try {
    connection_.query("ROLLBACK").run();
  } catch (const Error&) {
    // SQLite has rolled back by itself already (full disk, I/O error).
  }
}

void Transaction::commit() {
  connection_.query("COMMIT").run();
  open_ = false;
}

DurableCommits::DurableCommits(Connection& connection) : connection_(connection) {
  connection_.execute("PRAGMA synchronous=FULL");
}

DurableCommits::~DurableCommits() {
  try {
    connection_.execute("PRAGMA synchronous=NORMAL");
  } catch (const Error&) {
    // Stays at FULL: slower, never less safe.
  }
}

}  // namespace cloudsync::state

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>

#include "cloudsync/error.h"
#include "state/process_owned.h"

struct sqlite3;
struct sqlite3_stmt;

namespace cloudsync::state {

// Bytes that are stored as a BLOB (keys, tokens, digests), where std::string is stored as
// TEXT.
struct Blob {
  std::string_view bytes;
};
template <std::size_t N>
Blob blob(const std::array<std::uint8_t, N>& digest) {
  return {{reinterpret_cast<const char*>(digest.data()), N}};
}

struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const;
};
using StatementHandle = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

class Connection;

// One use of a prepared statement: bind, step, read. Ends the statement's transaction
// (reset) when it goes out of scope.
class Query {
 public:
  Query(Connection& connection, sqlite3_stmt* statement);
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  // Binds ?1, ?2, ... in order.
  template <typename... Values>
  Query& bind(const Values&... values) {
    int index = 0;
    (bind_at(++index, values), ...);
    return *this;
  }
  bool step();  // true: a row is there
  void run();   // for statements without rows
  void reset();

  std::int64_t integer(int column) const;
  std::uint64_t natural(int column) const;  // stored as the same 64 bits
  int small(int column) const;
  bool flag(int column) const { return integer(column) != 0; }
  bool is_null(int column) const;
  std::string_view bytes(int column) const;  // valid until the next step
  std::string text(int column) const { return std::string(bytes(column)); }
  // A digest of exactly N bytes; a row that has another length is damaged.
  template <std::size_t N>
  std::array<std::uint8_t, N> digest(int column) const {
    std::array<std::uint8_t, N> out{};
    copy_exactly(column, out.data(), N);
    return out;
  }
  template <std::size_t N>
  std::optional<std::array<std::uint8_t, N>> optional_digest(int column) const {
    if (bytes(column).empty()) return std::nullopt;
    return digest<N>(column);
  }

  void bind_at(int index, std::int64_t value);
  void bind_at(int index, std::uint64_t value);
  void bind_at(int index, std::uint32_t value);
  void bind_at(int index, int value);
  void bind_at(int index, bool value);
  void bind_at(int index, const std::string& text);
  void bind_at(int index, Blob value);
  void bind_at(int index, std::nullptr_t);
  template <typename T>
  void bind_at(int index, const std::optional<T>& value) {
    if (value) {
      bind_at(index, *value);
    } else {
      bind_at(index, nullptr);
    }
  }
  template <std::size_t N>
  void bind_at(int index, const std::array<std::uint8_t, N>& digest) {
    bind_at(index, blob(digest));
  }

 private:
  void check(int result) const;
  void copy_exactly(int column, std::uint8_t* out, std::size_t size) const;

  Connection& connection_;
  sqlite3_stmt* statement_;
};

// One connection with its prepared statements. Not thread-safe. Every failure throws
// Error{kLocalIo | kDiskFull} with the file's path and SQLite's own words.
class Connection {
 public:
  // `uri` is a "file:" URI, `path` the name for messages. A wait for another connection's
  // lock ends within a second of `stop`.
  Connection(const std::string& uri, std::string path, int open_flags,
             std::stop_token stop = {});
  // In a child after fork() the parent's handle is left as it is.
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Prepared at the first use and kept; `sql` must be a literal.
  Query query(std::string_view sql);
  // Prepared for the caller alone.
  StatementHandle prepare(std::string_view sql);
  void execute(const char* sql);
  // The first column of the first row.
  std::int64_t integer(const char* sql);
  std::string text(const char* sql);

  std::int64_t last_insert_rowid() const;
  std::int64_t changes() const;  // rows changed by the last statement
  // On close the log stays as it is, instead of being moved into the database file.
  void keep_log_on_close(bool keep);
  // Moves the log into the database file; false when a reader or writer was in the way.
  bool checkpoint_and_truncate();
  // A consistent copy of the whole database into a new file, by the backup API.
  void backup_to(const std::string& target);

  const std::string& path() const { return path_; }
  [[noreturn]] void fail(int result) const;
  void require_own() const { owner_.require_own(path_); }

 private:
  struct CloseDatabase {
    void operator()(sqlite3* database) const;
  };
  static int on_busy(void* self, int tries);
  void wait_when_busy();

  std::string path_;
  ProcessOwned owner_;
  std::stop_token stop_;
  int tries_at_stop_ = -1;
  std::unique_ptr<sqlite3, CloseDatabase> database_;
  // After database_, so that the statements go first.
  std::unordered_map<std::string_view, StatementHandle> statements_;
};

// BEGIN IMMEDIATE ... COMMIT; rolled back unless commit() returned.
class Transaction {
 public:
  explicit Transaction(Connection& connection);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Connection& connection_;
  bool open_ = true;
};

// While it lives, a commit survives a power cut (synchronous=FULL).
class DurableCommits {
 public:
  explicit DurableCommits(Connection& connection);
  ~DurableCommits();
  DurableCommits(const DurableCommits&) = delete;
  DurableCommits& operator=(const DurableCommits&) = delete;

 private:
  Connection& connection_;
};

// The file is damaged or no database at all.
bool is_corruption(const Error& error);

// "file:" URI of a path, with `parameters` ("mode=ro&immutable=1").
std::string database_uri(const std::string& path, std::string_view parameters);

}  // namespace cloudsync::state

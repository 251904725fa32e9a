// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include <fmt/format.h>
#include <sqlite3.h>

#include "state/process_owned.h"
#include "state/schema.h"
#include "state/sqlite_state_database.h"

namespace cloudsync::state {
namespace {

// Opens without changing a byte on disk. The connection is tried out, since SQLite looks
// at a file only when it is read.
std::unique_ptr<Connection> try_reading(OpenDatabase& place, const std::string& file,
                                        std::string_view parameters) {
  place.uri = database_uri(file, parameters);
  place.flags = SQLITE_OPEN_READWRITE;  // an upper bound; `parameters` decide
  auto connection =
      std::make_unique<Connection>(place.uri, place.path, place.flags, place.stop);
  connection->integer("SELECT count(*) FROM sqlite_master");
  return connection;
}

// The log of a process that was cut off. Ordinary reading would rebuild its index in
// -shm; readonly_shm makes SQLite build it in memory.
std::unique_ptr<Connection> read_leftover_log(OpenDatabase& place) {
  try {
    return try_reading(place, place.path, "mode=ro&readonly_shm=1");
  } catch (const Error& error) {
    if (is_corruption(error)) throw;
    // Somebody has it open after all; then -shm changes anyway.
    return try_reading(place, place.path, "mode=ro");
  }
}

std::unique_ptr<Connection> connect_read_only(OpenDatabase& place) {
  const std::string& path = place.path;
  if (!file_exists(path + "-wal")) return try_reading(place, path, "mode=ro&immutable=1");
  if (!file_exists(path + "-shm")) {
    place.copy = std::make_unique<PrivateCopy>(path);
    return try_reading(place, place.copy->path(), "mode=rw");
  }
  if (is_open_somewhere(path)) return try_reading(place, path, "mode=ro");
  return read_leftover_log(place);
}

std::unique_ptr<SyncStateDatabase> open_empty(OpenDatabase place) {
  place.uri.clear();
  auto connection = std::make_unique<Connection>(
      "file::memory:", place.path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  migrate(*connection, migrations());
  connection->execute("PRAGMA query_only=ON");
  return std::make_unique<SqliteStateDatabase>(std::move(place), std::move(connection));
}

// Reading needs the tables of today; the file stays what its owner made it until a run
// writes it.
std::unique_ptr<Connection> upgraded_copy(Connection& original, OpenDatabase& place) {
  auto copy = std::make_unique<PrivateCopy>();
  create_private_file(copy->path());
  original.backup_to(copy->path());
  place.uri = database_uri(copy->path(), "mode=rw");
  place.flags = SQLITE_OPEN_READWRITE;
  place.copy = std::move(copy);
  auto connection =
      std::make_unique<Connection>(place.uri, place.path, place.flags, place.stop);
  migrate_copy(*connection, migrations());
  return connection;
}

std::unique_ptr<SyncStateDatabase> open_read_only(OpenDatabase place) {
  const std::string path = place.path;
  if (is_missing_or_empty(path)) return open_empty(std::move(place));
  auto connection = connect_read_only(place);
  const SchemaStamp stamp = read_stamp(*connection);
  refuse_foreign(stamp, path);
  if (!stamp.has_tables) return open_empty(std::move(place));
  if (stamp.version < newest_version()) {
    const auto original_copy = std::move(place.copy);
    auto original = std::move(connection);
    connection = upgraded_copy(*original, place);
  }
  connection->execute("PRAGMA query_only=ON");
  return std::make_unique<SqliteStateDatabase>(std::move(place), std::move(connection));
}

// Before a writing connection exists: merely connecting would already change a newer or
// foreign file.
void refuse_before_touching(const std::string& path) {
  if (is_missing_or_empty(path)) return;
  if (file_exists(path + "-wal") && !file_exists(path + "-shm")) return;
  OpenDatabase place;
  place.path = path;
  const auto connection = connect_read_only(place);
  refuse_foreign(read_stamp(*connection), path);
}

// A log that nobody holds was left by a process that was killed or by a power cut; a file
// that another program wrote may hold anything.
void check_after_unclean_stop(Connection& connection) {
  const std::string verdict = connection.text("PRAGMA quick_check(1)");
  if (verdict == "ok") return;
  ServiceDetail detail;
  detail.provider_code = "SQLITE_CORRUPT";
  throw Error(ErrorCode::kLocalIo,
              fmt::format("state database \"{}\": {}", connection.path(), verdict),
              detail);
}

std::unique_ptr<SyncStateDatabase> open_read_write(OpenDatabase place) {
  const std::string& path = place.path;
  refuse_before_touching(path);
  const bool unclean =
      (file_exists(path + "-wal") && !is_open_somewhere(path)) ||
      (!ProcessOwned::any_open() && was_written_by_another_library(path));
  create_private_file(path);
  place.uri = database_uri(path, "mode=rw");
  place.flags = SQLITE_OPEN_READWRITE;
  auto connection =
      std::make_unique<Connection>(place.uri, path, place.flags, place.stop);
  // A damaged file is set aside with its log, which may be what its owner needs to repair
  // it.
  connection->keep_log_on_close(true);
  refuse_foreign(read_stamp(*connection), path);
  if (unclean) check_after_unclean_stop(*connection);
  connection->keep_log_on_close(false);
  configure_writer(*connection);
  const std::string backup = migrate(*connection, migrations());
  if (!backup.empty()) {
    place.notices.push_back(fmt::format(
        "The state database was brought to schema version {}; the one before is kept "
        "as \"{}\".",
        newest_version(), backup));
  }
  return std::make_unique<SqliteStateDatabase>(std::move(place), std::move(connection));
}

std::string set_aside_notice(const std::string& path, const Error& error) {
  if (is_open_somewhere(path)) {
    throw Error(
        ErrorCode::kLocalIo,
        fmt::format("{}; another process has it open, end that first", error.what()));
  }
  const std::string name = set_aside(path);
  return fmt::format(
      "The state database was damaged ({}) and was set aside as \"{}\". A new one "
      "begins: the next run compares both sides instead of remembering them, and a "
      "file that was deleted on one side since the last run comes back.",
      error.what(), name);
}

std::unique_ptr<SyncStateDatabase> open_or_begin_anew(const std::string& path,
                                                      const std::stop_token& stop) {
  refuse_network_file_system(path);
  OpenDatabase place;
  place.path = path;
  place.stop = stop;
  try {
    return open_read_write(std::move(place));
  } catch (const Error& error) {
    if (!is_corruption(error)) throw;
    place = {};
    place.path = path;
    place.stop = stop;
    place.notices.push_back(set_aside_notice(path, error));
  }
  return open_read_write(std::move(place));
}

}  // namespace

SqliteStateDatabase::SqliteStateDatabase(OpenDatabase place,
                                         std::unique_ptr<Connection> connection)
    : place_(std::move(place)), connection_(std::move(connection)) {}

std::string SqliteStateDatabase::path() const { return place_.path; }

std::vector<std::string> SqliteStateDatabase::notices() const { return place_.notices; }

}  // namespace cloudsync::state

namespace cloudsync {

std::unique_ptr<SyncStateDatabase> open_state_database(const std::string& path,
                                                       OpenMode mode,
                                                       std::stop_token stop) {
  const std::string resolved = state::resolve_database_path(path);
  if (mode == OpenMode::kReadWrite) return state::open_or_begin_anew(resolved, stop);
  state::OpenDatabase place;
  place.path = resolved;
  place.stop = std::move(stop);
  return state::open_read_only(std::move(place));
}

}  // namespace cloudsync

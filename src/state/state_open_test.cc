// SPDX-License-Identifier: Apache-2.0
// Opening: new, old, newer, foreign, damaged, read-only, cut off.
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cloudsync/error.h"
#include "state/database_file.h"
#include "state/schema.h"
#include "state/sqlite_state_database.h"
#include "state/temp_directory_for_test.h"

namespace cloudsync::state {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Property;
using testing::Throws;

constexpr PairId kPair = 1;

BaseRow base_row(const std::string& key) {
  BaseRow row;
  row.key = key;
  row.size = 1;
  return row;
}

void add_row(SyncStateDatabase& database, const std::string& key) {
  const StateChange changes[] = {UpsertBase{kPair, base_row(key)}};
  database.apply(changes);
}

// Runs `work` in a child that ends by SIGKILL, whatever state it is in.
void run_and_kill(const std::function<void()>& work) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    work();
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
}

void execute(const std::string& path, const char* sql) {
  Connection connection(database_uri(path, "mode=rwc"), path,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  connection.execute(sql);
}

class StateOpen : public testing::Test {
 protected:
  std::unique_ptr<SyncStateDatabase> open(OpenMode mode = OpenMode::kReadWrite) {
    return open_state_database(path_, mode);
  }
  std::vector<std::string> names_with(const std::string& part) {
    std::vector<std::string> names;
    for (const auto& [name, bytes] : directory_.contents()) {
      if (name.find(part) != std::string::npos) names.push_back(name);
    }
    return names;
  }

  TempDirectory directory_;
  std::string path_ = directory_.file("state %3f#.db");
};

TEST_F(StateOpen, NewFileIsPrivateAndCleanStopLeavesNoLog) {
  auto database = open();
  EXPECT_EQ(database->path(), path_);
  EXPECT_TRUE(database->notices().empty());
  add_row(*database, "a");
  struct stat status{};
  for (const char* suffix : {"", "-wal", "-shm"}) {
    ASSERT_EQ(::stat((path_ + suffix).c_str(), &status), 0) << suffix;
    EXPECT_EQ(status.st_mode & 0777U, 0600U) << suffix;
  }
  database.reset();
  EXPECT_EQ(directory_.contents().size(), 1U);
  EXPECT_TRUE(open()->base_row(kPair, "a"));
}

TEST_F(StateOpen, SettingsAreThoseOfTheDesign) {
  open();
  Connection connection(database_uri(path_, "mode=ro"), path_, SQLITE_OPEN_READONLY);
  EXPECT_EQ(connection.integer("PRAGMA page_size"), 8192);
  EXPECT_EQ(connection.text("PRAGMA journal_mode"), "wal");
  EXPECT_EQ(connection.integer("PRAGMA application_id"), kApplicationId);
  EXPECT_EQ(connection.integer("PRAGMA user_version"), newest_version());
}

TEST_F(StateOpen, MissingDirectoryIsNamed) {
  const std::string path = directory_.file("no/such/state.db");
  EXPECT_THAT([&] { open_state_database(path); },
              Throws<Error>(Property(&Error::what, HasSubstr("no/such"))));
}

TEST_F(StateOpen, RelativePathMeansTheWorkingDirectory) {
  const auto database = open_state_database("does-not-exist.db", OpenMode::kReadOnly);
  EXPECT_EQ(database->path(), (std::filesystem::current_path() / "does-not-exist.db")
                                  .lexically_normal()
                                  .string());
}

TEST_F(StateOpen, NewerSchemaIsRefusedAndNotTouched) {
  open();
  execute(path_, "PRAGMA user_version=7");
  const auto before = directory_.contents();
  for (const OpenMode mode : {OpenMode::kReadWrite, OpenMode::kReadOnly}) {
    EXPECT_THAT([&] { open(mode); },
                Throws<Error>(AllOf(
                    Property(&Error::code, ErrorCode::kUnsupported),
                    Property(&Error::what, HasSubstr(path_)),
                    Property(&Error::what, HasSubstr("version 7")),
                    Property(&Error::what,
                             HasSubstr("up to " + std::to_string(newest_version()))))));
  }
  EXPECT_EQ(directory_.contents(), before);
}

TEST_F(StateOpen, AnotherProgramsDatabaseIsRefusedAndNotTouched) {
  execute(path_, "PRAGMA journal_mode=WAL; CREATE TABLE recipes(name)");
  const auto before = directory_.contents();
  for (const OpenMode mode : {OpenMode::kReadWrite, OpenMode::kReadOnly}) {
    EXPECT_THAT([&] { open(mode); },
                Throws<Error>(Property(&Error::code, ErrorCode::kInvalidArgument)));
  }
  EXPECT_EQ(directory_.contents(), before);
}

TEST_F(StateOpen, FileThatIsNoDatabaseIsSetAside) {
  const std::string garbage(100'000, 'x');
  TempDirectory::write(path_, garbage);
  const auto database = open();
  ASSERT_EQ(database->notices().size(), 1U);
  EXPECT_THAT(database->notices()[0], HasSubstr(".corrupt-"));
  add_row(*database, "a");
  const auto aside = names_with(".corrupt-");
  ASSERT_EQ(aside.size(), 1U);
  EXPECT_EQ(TempDirectory::read(directory_.file(aside[0])), garbage);
}

TEST_F(StateOpen, ReadOnlyNeverSetsADamagedFileAside) {
  TempDirectory::write(path_, std::string(100'000, 'x'));
  const auto before = directory_.contents();
  EXPECT_THAT([&] { open(OpenMode::kReadOnly); },
              Throws<Error>(Property(&Error::code, ErrorCode::kLocalIo)));
  EXPECT_EQ(directory_.contents(), before);
}

void fill(SyncStateDatabase& database, int rows) {
  std::vector<StateChange> changes;
  for (int i = 0; i < rows; ++i)
    changes.push_back(UpsertBase{kPair, base_row(std::to_string(i))});
  database.apply(changes);
}

TEST_F(StateOpen, DamageBehindAnUncleanStopIsFoundAndSetAsideWithItsLog) {
  fill(*open(), 20'000);
  run_and_kill([this] { add_row(*open().release(), "left in the log"); });
  ASSERT_EQ(names_with("-wal").size(), 1U);
  std::string bytes = TempDirectory::read(path_);
  for (std::size_t page = 10; page < 20; ++page)
    bytes.replace(page * 8192, 4096, 4096, '\xee');
  TempDirectory::write(path_, bytes);

  const auto database = open();
  ASSERT_EQ(database->notices().size(), 1U);
  EXPECT_EQ(database->count_base_rows(kPair), 0U);
  EXPECT_EQ(names_with(".corrupt-").size(), 3U) << "database, -wal and -shm";
}

TEST_F(StateOpen, DamageInAFileThatAnotherLibraryWroteIsFound) {
  fill(*open(), 20'000);
  std::string bytes = TempDirectory::read(path_);
  for (std::size_t page = 10; page < 20; ++page)
    bytes.replace(page * 8192, 4096, 4096, '\xee');
  bytes.replace(96, 4, 4, '\x01');  // the writer's version in SQLite's header
  TempDirectory::write(path_, bytes);
  ASSERT_TRUE(was_written_by_another_library(path_));

  EXPECT_EQ(open()->notices().size(), 1U);
  EXPECT_FALSE(names_with(".corrupt-").empty());
}

TEST_F(StateOpen, ATriggerInTheFileDoesNotRun) {
  add_row(*open(), "a");
  execute(path_,
          "CREATE TRIGGER t AFTER INSERT ON entries BEGIN DELETE FROM entries; END");
  add_row(*open(), "b");
  EXPECT_EQ(open()->count_base_rows(kPair), 2U);
  EXPECT_TRUE(open()->base_row(kPair, "a"));
}

TEST_F(StateOpen, KilledWriterLosesNothingThatWasApplied) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto database = open();
    for (std::int32_t i = 0;; ++i) {
      const StateChange changes[] = {
          UpsertBase{kPair, base_row(std::to_string(i))},
          UpsertBase{kPair, base_row(std::to_string(i) + "-twin")}};
      database->apply(changes);
      if (::write(ready[1], &i, sizeof i) != sizeof i) ::_exit(1);
    }
  }
  std::int32_t applied = 0;
  while (applied < 200) ASSERT_EQ(::read(ready[0], &applied, sizeof applied), 4);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ready[1]);
  while (::read(ready[0], &applied, sizeof applied) == 4) {
  }
  ::close(ready[0]);

  const auto database = open();
  EXPECT_TRUE(database->notices().empty());
  for (int i = 0; i <= applied; ++i) {
    ASSERT_TRUE(database->base_row(kPair, std::to_string(i))) << i;
  }
  const auto rows = database->count_base_rows(kPair);
  EXPECT_EQ(rows % 2, 0U) << "the rows of one apply() travel together";
  std::uint64_t scanned = 0;
  const auto cursor = database->base_rows(kPair, {});
  for (BaseRow row; cursor->next(row);) ++scanned;
  EXPECT_EQ(scanned, rows);
}

TEST_F(StateOpen, ReadOnlyOfAMissingFileIsEmptyAndCreatesNothing) {
  const auto database = open(OpenMode::kReadOnly);
  EXPECT_EQ(database->get_sync_statistics().total_files, 0U);
  EXPECT_TRUE(database->pairs().empty());
  EXPECT_TRUE(database->recent_runs(5).empty());
  BaseRow row;
  EXPECT_FALSE(database->base_rows(kPair, {})->next(row));
  EXPECT_THROW(add_row(*database, "a"), Error);
  EXPECT_TRUE(directory_.contents().empty());
}

// Everything `status` does.
std::vector<std::string> read_all(const SyncStateDatabase& database) {
  std::vector<std::string> keys;
  const auto cursor = database.base_rows(kPair, {});
  for (BaseRow row; cursor->next(row);) keys.push_back(row.key);
  EXPECT_EQ(database.get_sync_statistics().total_files, keys.size());
  database.pairs();
  database.operations(std::nullopt, 10);
  return keys;
}

TEST_F(StateOpen, ReadOnlyAfterACleanStopChangesNothing) {
  add_row(*open(), "a");
  const auto before = directory_.contents();
  {
    const auto database = open(OpenMode::kReadOnly);
    EXPECT_EQ(read_all(*database), std::vector<std::string>{"a"});
    EXPECT_THROW(add_row(*database, "b"), Error);
    EXPECT_THROW(database->pair({"/a", "s3", "b", ""}), Error);
    EXPECT_EQ(directory_.contents(), before);
  }
  EXPECT_EQ(directory_.contents(), before);
}

TEST_F(StateOpen, ReadOnlyAfterAKillReadsTheLogAndChangesNothing) {
  add_row(*open(), "a");
  run_and_kill([this] { add_row(*open().release(), "b"); });
  const auto before = directory_.contents();
  ASSERT_EQ(before.size(), 3U);
  {
    const auto database = open(OpenMode::kReadOnly);
    EXPECT_EQ(read_all(*database), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(directory_.contents(), before);
  }
  EXPECT_EQ(directory_.contents(), before);
}

TEST_F(StateOpen, ReadOnlyReadsALogWithoutItsIndexAndChangesNothing) {
  run_and_kill([this] { add_row(*open().release(), "b"); });
  std::filesystem::remove(path_ + "-shm");
  const auto before = directory_.contents();
  {
    const auto database = open(OpenMode::kReadOnly);
    EXPECT_EQ(read_all(*database), std::vector<std::string>{"b"});
    EXPECT_THROW(add_row(*database, "c"), Error);
  }
  EXPECT_EQ(directory_.contents(), before);
}

TEST_F(StateOpen, ReadOnlySeesALiveWriterOfTheSameProcess) {
  const auto writer = open();
  add_row(*writer, "a");
  const auto reader = open(OpenMode::kReadOnly);
  EXPECT_EQ(read_all(*reader), std::vector<std::string>{"a"});
  add_row(*writer, "b");
  EXPECT_EQ(read_all(*reader), (std::vector<std::string>{"a", "b"}));
}

TEST_F(StateOpen, TwoProcessesWriteTheSameDatabase) {
  // Before anything is open here: SQLite's connections and lock counts must not cross a
  // fork.
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto theirs = open();
    for (int i = 0; i < 300; ++i) add_row(*theirs, "theirs" + std::to_string(i));
    ::_exit(0);
  }
  const auto mine = open();
  for (int i = 0; i < 300; ++i) add_row(*mine, "mine" + std::to_string(i));
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(mine->count_base_rows(kPair), 600U);
  EXPECT_EQ(read_all(*mine).size(), 600U);
}

TEST_F(StateOpen, ProcessesThatCreateItTogetherAgree) {
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    children.push_back(::fork());
    if (children.back() == 0) {
      int result = 1;
      try {
        const auto database = open();
        database->pair({"/root", "s3", "bucket", ""});
        result = database->notices().empty() ? 0 : 2;
      } catch (const Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
      }
      ::_exit(result);
    }
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(open()->pairs().size(), 1U);
}

TEST_F(StateOpen, MigrationKeepsACopyOfTheOlderSchema) {
  add_row(*open(), "a");
  const Migration steps[] = {
      {newest_version() + 1, "ALTER TABLE runs ADD COLUMN note TEXT"}};
  {
    Connection connection(database_uri(path_, "mode=rw"), path_, SQLITE_OPEN_READWRITE);
    const std::string backup = migrate(connection, steps);
    EXPECT_THAT(backup, HasSubstr(".backup-v" + std::to_string(newest_version()) + "-"));
    EXPECT_EQ(connection.integer("PRAGMA user_version"), newest_version() + 1);
    connection.execute("SELECT note FROM runs");
    EXPECT_EQ(migrate(connection, steps), "");
    EXPECT_TRUE(open_state_database(backup)->base_row(kPair, "a"));
  }
}

TEST_F(StateOpen, AnOlderSchemaIsReadThroughACopy) {
  add_row(*open(), "a");
  execute(path_,
          "DELETE FROM meta WHERE k = 'database_id'; DROP TABLE intents; PRAGMA "
          "user_version=1");
  const auto before = directory_.contents();
  {
    const auto database = open(OpenMode::kReadOnly);
    EXPECT_EQ(database->path(), path_);
    EXPECT_TRUE(database->base_row(kPair, "a"));
    const auto rows = database->base_rows(kPair, {});
    BaseRow row;
    EXPECT_TRUE(rows->next(row));
    EXPECT_TRUE(database->meta("database_id"));
    EXPECT_THROW(database->set_meta("x", "y"), Error);
  }
  EXPECT_EQ(directory_.contents(), before);
}

TEST_F(StateOpen, AStopEndsTheWaitForAnotherProcess) {
  open();
  Connection holder(database_uri(path_, "mode=rw"), path_, SQLITE_OPEN_READWRITE);
  holder.execute("BEGIN IMMEDIATE");
  std::stop_source stop;
  stop.request_stop();
  const auto database =
      open_state_database(path_, OpenMode::kReadWrite, stop.get_token());
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THAT([&] { add_row(*database, "a"); },
              Throws<Error>(Property(&Error::code, ErrorCode::kCancelled)));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

TEST_F(StateOpen, FailedMigrationLeavesTheOldSchema) {
  add_row(*open(), "a");
  const Migration steps[] = {
      {newest_version() + 1, "ALTER TABLE runs ADD COLUMN note TEXT; NONSENSE"}};
  {
    Connection connection(database_uri(path_, "mode=rw"), path_, SQLITE_OPEN_READWRITE);
    EXPECT_THROW(migrate(connection, steps), Error);
    EXPECT_EQ(connection.integer("PRAGMA user_version"), newest_version());
    EXPECT_THROW(connection.execute("SELECT note FROM runs"), Error);
  }
  EXPECT_TRUE(open()->base_row(kPair, "a"));
}

TEST(StateFile, NetworkFileSystemsAreKnown) {
  EXPECT_TRUE(is_network_file_system_type(0x6969));
  EXPECT_TRUE(is_network_file_system_type(0xFF534D42));
  EXPECT_TRUE(is_network_file_system_type(
      static_cast<unsigned long>(-11317950L)));       // signed CIFS
  EXPECT_FALSE(is_network_file_system_type(0xEF53));  // ext4
}

}  // namespace
}  // namespace cloudsync::state

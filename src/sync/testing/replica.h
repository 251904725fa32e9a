// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/test_directory.h"
#include "storage/decorators.h"
#include "storage/memory/memory_store.h"
#include "sync/run/pair_lock.h"
#include "sync/run/sync_run.h"
#include "sync/testing/intercepted_files.h"

namespace cloudsync::sync::testing {

// One machine of a test: a root, a database, and runs against a shared bucket in memory.
class Replica {
 public:
  explicit Replica(storage::MemoryStore& bucket) : bucket_(bucket) {
    std::filesystem::create_directories(directory_ / "root");
    settings.transfer.multipart_threshold = 1 << 20;
    settings.transfer.chunk_size = 1 << 18;
    settings.engine.durability = Durability::kNone;
    settings.engine.max_workers = 2;
    use(Direction::kSync);
  }

  void use(Direction direction) {
    settings.direction = direction;
    settings.command = direction == Direction::kSync     ? "sync"
                       : direction == Direction::kUpload ? "upload"
                                                         : "download";
    settings.deletes =
        direction == Direction::kSync ? Deletes::kPropagate : Deletes::kKeep;
  }

  SyncProgress run(std::stop_token stop = {}) {
    const auto state = open_state_database(directory_ / "state.db");
    const auto real_files = base::open_posix_file_system(directory_ / "root");
    InterceptedFiles intercepted(*real_files);
    intercepted.before = before_file_call;
    const auto files = &intercepted;
    base::ConcurrencyController::Options concurrency;
    concurrency.fixed = true;
    concurrency.initial = concurrency.maximum = 2;
    base::ConcurrencyController controller(concurrency);
    storage::RequestCounter counter;
    const auto counted = storage::make_counted_store(bucket_, counter);
    const auto make_retrying = [](storage::ObjectStore& store) {
      return storage::make_retrying_store(
          store,
          base::RetryPolicy{3, std::chrono::milliseconds(1),
                            std::chrono::milliseconds(2)},
          base::RetryEnvironment{}, {});
    };
    const auto retrying = make_retrying(*counted);
    events.clear();
    RunReport report(settings.command, settings.dry_run, base::system_clock(),
                     [this](const ActionEvent& event) { events.push_back(event); }, {});
    WritableStore writable(
        *counted, *state, base::system_random(),
        {"memory", "bucket", "p/", false,
         [&](const std::string& text) { report.notice(text); }, make_retrying});
    auto pair = state->pair({directory_ / "root", "memory", "bucket", "p/"});
    SyncRun run({*files, *retrying, writable, *state, controller, base::system_clock(),
                 base::system_random(), report, [&] { return counter.counts(); }, stop},
                settings, std::move(pair), Filter(filters));
    return run.execute();
  }

  void write(const std::string& name, const std::string& content) {
    directory_.write("root/" + name, content);
  }
  std::string read(const std::string& name) { return directory_.read("root/" + name); }
  void remove(const std::string& name) {
    std::filesystem::remove(directory_ / ("root/" + name));
  }
  bool exists(const std::string& name) {
    return std::filesystem::exists(directory_ / ("root/" + name));
  }
  void lose_database() {
    for (const char* suffix : {"", "-wal", "-shm"}) {
      std::filesystem::remove(directory_ / ("state.db" + std::string(suffix)));
    }
  }
  // A backup of the database, and what somebody does with one.
  void save_database() {
    std::filesystem::copy_file(directory_ / "state.db", directory_ / "saved.db");
  }
  void restore_database() {
    lose_database();
    std::filesystem::copy_file(directory_ / "saved.db", directory_ / "state.db");
  }
  // Another folder, empty, in the root's place.
  void exchange_root() {
    std::filesystem::rename(directory_ / "root", directory_ / "former root");
    std::filesystem::create_directories(directory_ / "root");
  }
  std::vector<FailedRecord> failures() const {
    return open_state_database(directory_ / "state.db")->failures(std::nullopt);
  }
  std::unique_ptr<SyncStateDatabase> state() const {
    return open_state_database(directory_ / "state.db");
  }
  std::string path(const std::string& name) const {
    return directory_ / ("root/" + name);
  }

  // Relative path -> content; cloudsync's own files left out.
  std::map<std::string, std::string> tree() const { return files_below("root", false); }
  std::map<std::string, std::string> trash() const {
    return files_below("root/.cloudsync/trash", true);
  }

  RunSettings settings;
  std::vector<std::string> filters;
  std::vector<ActionEvent> events;
  InterceptedFiles::Hook before_file_call;

 private:
  std::map<std::string, std::string> files_below(const std::string& folder,
                                                 bool own) const {
    std::map<std::string, std::string> found;
    const std::filesystem::path root = directory_ / folder;
    if (!std::filesystem::exists(root)) return found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
      if (!entry.is_regular_file()) continue;
      const std::string name = std::filesystem::relative(entry.path(), root).string();
      if (!own && name.starts_with(".cloudsync/")) continue;
      found[name] = directory_.read(folder + "/" + name);
    }
    return found;
  }

  base::TestDirectory directory_;
  storage::MemoryStore& bucket_;
};

}  // namespace cloudsync::sync::testing

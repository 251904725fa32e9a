// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "base/concurrency_controller.h"
#include "base/log.h"
#include "cloudsync/cloud_sync.h"
#include "storage/decorators.h"
#include "sync/guard/bucket_identity.h"
#include "sync/guard/root_registry.h"
#include "sync/run/absent_root.h"
#include "sync/run/pair_lock.h"
#include "sync/run/pair_paths.h"
#include "sync/run/request_limit.h"
#include "sync/run/root_marker.h"
#include "sync/run/sync_run.h"

namespace cloudsync {

namespace {

using sync::RunSettings;

std::string command_name(Direction direction) {
  switch (direction) {
    case Direction::kUpload:
      return "upload";
    case Direction::kDownload:
      return "download";
    case Direction::kSync:
      break;
  }
  return "sync";
}

Direction direction_of(const std::string& command) {
  if (command == "upload") return Direction::kUpload;
  if (command == "download") return Direction::kDownload;
  return Direction::kSync;
}

std::string direction_meta(const PairRecord& pair) { return "direction." + pair.uuid; }

// How the pair was last run; databases of schema 1 know it of their latest runs only.
std::string last_command(const SyncStateDatabase& state, const PairRecord& pair) {
  constexpr int kLookBack = 1000;
  if (auto known = state.meta(direction_meta(pair))) return *known;
  for (const auto& run : state.recent_runs(kLookBack)) {
    if (run.pair == pair.id) return run.command;
  }
  return "sync";
}

RunSettings make_settings(Direction direction, ConflictStrategy strategy,
                          const EngineOptions& engine, const StorageOptions& storage,
                          const RunOptions& options) {
  RunSettings settings;
  settings.command = command_name(direction);
  settings.direction = direction;
  settings.strategy = options.conflict_strategy.value_or(strategy);
  const auto usual = direction == Direction::kSync ? Deletes::kPropagate : Deletes::kKeep;
  settings.deletes = options.deletes.value_or(engine.deletes.value_or(usual));
  settings.mirror = options.mirror;
  if (options.mirror) settings.deletes = Deletes::kPropagate;
  settings.dry_run = options.dry_run;
  settings.checksum = options.checksum;
  settings.size_only = options.size_only;
  settings.max_delete = options.max_delete.value_or(engine.max_delete);
  settings.force = options.force;
  settings.engine = engine;
  settings.only_keys = options.only_keys;
  settings.transfer.multipart_threshold = storage.multipart_threshold;
  settings.transfer.chunk_size = storage.chunk_size;
  settings.transfer.storage_class = storage.storage_class;
  settings.transfer.content_hash = engine.content_hash;
  settings.transfer.ignore_stored_md5 = options.ignore_stored_md5;
  return settings;
}

base::RetryPolicy retry_policy(const StorageOptions& storage) {
  base::RetryPolicy policy;
  policy.retries = storage.retry_attempts;
  policy.delay = std::chrono::milliseconds(
      static_cast<std::int64_t>(storage.retry_delay_seconds * 1000));
  return policy;
}

// One run from the outside in: lock, database, root, store; then SyncRun.
class Session {
 public:
  Session(CloudStorage& cloud, const std::string& database_path, RunSettings settings,
          PairIdentity identity, const RunOptions& options)
      : cloud_(cloud),
        database_path_(database_path),
        settings_(std::move(settings)),
        identity_(std::move(identity)),
        options_(options),
        report_(settings_.command, settings_.dry_run, base::system_clock(),
                options.on_action, options.on_progress) {}

  SyncProgress run() {
    const bool dry = settings_.dry_run;
    require_root();
    if (!dry) lock_.emplace(database_path_, identity_);
    const bool is_new = is_missing_or_empty(database_path_);
    state_ = open_state_database(
        database_path_, dry ? OpenMode::kReadOnly : OpenMode::kReadWrite, options_.stop);
    for (const auto& text : state_->notices()) report_.notice(text);
    if (is_new && !dry) report_.notice("a new state database begins: " + state_->path());
    settle_overlap();
    PairRecord pair = find_pair();
    remember_direction(pair);
    if (!open_root(pair)) return report_.result({}, false);
    settle_database();
    if (!accept_bucket(pair)) return report_.result({}, false);
    SyncProgress progress = run_with(pair);
    if (!progress.fatal) sync::remember_bucket(about_bucket(pair), {options_.stop, {}});
    return progress;
  }

  sync::RunReport& report() { return report_; }

 private:
  static bool is_missing_or_empty(const std::string& path) {
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    return error || size == 0;
  }

  void require_root() const {
    if (settings_.direction == Direction::kDownload) return;
    std::error_code error;  // a root that cannot be looked at is said to be missing
    if (std::filesystem::is_directory(identity_.local_root, error)) return;
    throw Error(ErrorCode::kNotFound, "the local folder '" + identity_.local_root +
                                          "' does not exist (or is no folder); check "
                                          "--local-dir, and whether its disk is "
                                          "mounted. Nothing was done");
  }

  // Keys that the user named are dealt with in the direction in which the pair is kept.
  void settle_overlap() {
    std::vector<sync::KnownPair> others;
    Direction direction = settings_.direction;
    for (const auto& pair : state_->pairs()) {
      const auto kept = direction_of(last_command(*state_, pair));
      if (pair.identity == identity_ && !settings_.only_keys.empty()) direction = kept;
      others.push_back({pair.identity, kept});
    }
    settings_.overlap = sync::judge_overlap(identity_, direction, others);
    for (const auto& text : settings_.overlap.warnings) report_.notice(text);
  }

  void remember_direction(const PairRecord& pair) {
    if (settings_.dry_run || !settings_.only_keys.empty()) return;
    const auto name = direction_meta(pair);
    if (state_->meta(name) == settings_.command) return;
    state_->set_meta(name, settings_.command);
  }

  PairRecord find_pair() {
    if (!settings_.dry_run) return state_->pair(identity_);
    if (auto known = state_->find_pair(identity_)) return *known;
    PairRecord record;
    record.id = -1;
    record.uuid = "dry-run";
    record.identity = identity_;
    return record;
  }

  sync::BucketQuestion about_bucket(const PairRecord& pair) {
    return {cloud_.store(),
            *state_,
            pair,
            settings_.writes_bucket(),
            settings_.dry_run,
            settings_.force.contains(Force::kRoot)};
  }

  bool accept_bucket(const PairRecord& pair) {
    const auto answer = sync::ask_for_bucket(about_bucket(pair), base::system_random(),
                                             {options_.stop, {}});
    settings_.compare_anew |= answer.verdict == sync::BucketVerdict::kCompareAnew;
    if (answer.verdict != sync::BucketVerdict::kBrake) return true;
    report_.brake("root", answer.message);
    return false;
  }

  // A download makes a missing root, unless the database knows files in it.
  bool open_root(const PairRecord& pair) {
    const auto& root = identity_.local_root;
    std::error_code error;
    const bool there = std::filesystem::exists(root, error);
    if (error) {
      throw Error(ErrorCode::kLocalIo, "cannot look at the local folder '" + root +
                                           "': " + error.message() +
                                           "; check whether its disk is mounted");
    }
    if (!there) {
      if (state_->count_base_rows(pair.id) > 0 &&
          !settings_.force.contains(Force::kRoot)) {
        report_.brake(
            "root", "the local folder '" + root +
                        "' is gone though it was synced before (unmounted?); nothing was "
                        "done. Repeat with --force root to fetch everything anew");
        return false;
      }
      if (settings_.dry_run) {
        files_ = sync::make_absent_root(root);
        return true;
      }
      make_root(root);
    }
    files_ = base::open_posix_file_system(root);
    if (!settings_.dry_run && settings_.writes_root()) {
      files_->make_directories(".cloudsync");
      lock_->lock_root(root);
    }
    return true;
  }

  // Which database keeps this pair is remembered in the root's marker and, for uploads,
  // which may not write there, in the user's registry.
  void settle_database() {
    const sync::RootRegistry registry(sync::process_environment, identity_.local_root);
    auto claims = sync::read_root_marker(*files_).databases;
    for (auto& claim : registry.claims()) claims.push_back(std::move(claim));
    const auto own = sync::own_claim(identity_, *state_, base::system_clock().now_ns());
    const auto* known = sync::find_claim(claims, own);
    const auto verdict = sync::judge_claim(known, own, sync::database_exists);
    const bool other = verdict == sync::ClaimVerdict::kOtherHere ||
                       verdict == sync::ClaimVerdict::kOtherHost;
    if (other && !settings_.force.contains(Force::kState)) {
      throw Error(ErrorCode::kInvalidArgument,
                  sync::other_database_text(verdict, *known, own, identity_.local_root));
    }
    if (verdict != sync::ClaimVerdict::kOwn) rebuild(*known, other);
    settings_.claim = own;
    const bool elsewhere = !settings_.writes_root() || registry.knows(own);
    if (elsewhere && !settings_.dry_run) registry.put(own);
  }

  void rebuild(const sync::DatabaseClaim& known, bool forced) {
    // What this database knows of the pair may be from before the other one's time.
    settings_.compare_anew = true;
    settings_.mirror = false;
    settings_.deletes = Deletes::kKeep;
    report_.state_rebuilt();
    report_.notice(
        "the state database '" + known.path + "' that kept '" + identity_.local_root +
        (forced ? "' is left for another one" : "' is gone") +
        ": both sides are compared anew. Nothing is deleted in this run, and a file that "
        "was deleted on one side since the last run comes back");
  }

  static void make_root(const std::string& root) {
    std::error_code error;
    std::filesystem::create_directories(root, error);
    if (!error) return;
    throw Error(ErrorCode::kLocalIo,
                "cannot make the local folder '" + root + "': " + error.message());
  }

  SyncProgress run_with(PairRecord pair) {
    auto& clock = base::system_clock();
    auto& random = base::system_random();
    base::ConcurrencyController controller(sync::concurrency_options(settings_.engine));
    storage::RequestCounter counter;
    counter.on_answered = [&controller](std::uint64_t bytes) {
      controller.on_completed(bytes);
    };
    const auto counted = storage::make_counted_store(cloud_.store(), counter);
    storage::RetryObserver observer;
    observer.on_throttled = [&controller] { controller.on_throttled(); };
    observer.on_retry = [](const Error& error, int attempt,
                           std::chrono::milliseconds wait) {
      base::log().info("attempt {} failed, next in {} ms: {}", attempt, wait.count(),
                       error.what());
    };
    const auto make_retrying = [&](storage::ObjectStore& store) {
      return storage::make_retrying_store(store, retry_policy(cloud_.options()),
                                          base::RetryEnvironment{clock, random, {}},
                                          observer);
    };
    const auto retrying = make_retrying(*counted);
    sync::WritableStore writable(
        *counted, *state_, random,
        {identity_.provider, identity_.container, identity_.prefix,
         settings_.engine.require_conditional_writes,
         [this](const std::string& text) { report_.notice(text); }, make_retrying});
    auto filter = make_filter();
    settings_.own_files = own_files();
    if (settings_.own_files.hold_everything()) {
      report_.notice(
          "'" + identity_.local_root +
          "' (or its bucket's folder) lies where credentials are kept: nothing "
          "of it is synced");
    }
    sync::SyncRun sync_run(
        {*files_, *retrying, writable, *state_, controller, clock, random, report_,
         [&counter] { return counter.counts(); }, options_.stop},
        settings_, std::move(pair), std::move(filter));
    auto progress = sync_run.execute();
    if (!settings_.dry_run) writable.remember();
    return progress;
  }

  sync::Filter make_filter() const {
    std::vector<std::string> rules = settings_.engine.filters;
    rules.insert(rules.end(), options_.filters.begin(), options_.filters.end());
    return sync::Filter(rules);
  }

  sync::OwnFiles own_files() const {
    std::vector<std::string> named = settings_.engine.own_files;
    named.insert(named.end(), options_.excluded_paths.begin(),
                 options_.excluded_paths.end());
    return sync::OwnFiles(sync::own_places(cloud_.options(), database_path_, named,
                                           sync::process_environment),
                          sync::key_folders(cloud_.options(), identity_));
  }

  CloudStorage& cloud_;
  const std::string& database_path_;
  RunSettings settings_;
  PairIdentity identity_;
  const RunOptions& options_;
  sync::RunReport report_;
  std::optional<sync::PairLock> lock_;
  std::unique_ptr<SyncStateDatabase> state_;
  std::unique_ptr<base::FileSystem> files_;
};

ConflictStrategy strategy_for(Keep keep) {
  switch (keep) {
    case Keep::kLocal:
      return ConflictStrategy::kLocalWins;
    case Keep::kCloud:
      return ConflictStrategy::kCloudWins;
    case Keep::kBoth:
      break;
  }
  return ConflictStrategy::kVersionPreserve;
}

// A choice between a file and a folder is one about everything in the folder.
std::vector<std::string> keys_of(const ConflictRow& row) {
  if (row.reason != ConflictReason::kTypeConflict) return {row.key};
  return {row.key, row.key + "/"};
}

// A pair of the database may belong to another bucket than the one this engine is
// connected to.
void require_same_bucket(const PairIdentity& pair, const PairIdentity& reachable) {
  if (pair == reachable) return;
  throw Error(ErrorCode::kInvalidArgument,
              "the pair '" + pair.local_root + "' <-> '" + pair.prefix + "' belongs to " +
                  pair.provider + " '" + pair.container +
                  "', but the configuration names " + reachable.provider + " '" +
                  reachable.container + "'; use that pair's own configuration");
}

bool same_side(const ConflictSide& a, const ConflictSide& b) {
  return a.present == b.present && a.token == b.token && a.size == b.size &&
         a.mtime_ns == b.mtime_ns;
}

}  // namespace

CloudSyncEngine::CloudSyncEngine(std::shared_ptr<CloudStorage> cloud_storage,
                                 std::string sync_state_db,
                                 ConflictStrategy conflict_strategy,
                                 EngineOptions options)
    : cloud_storage_(std::move(cloud_storage)),
      sync_state_db_(std::move(sync_state_db)),
      conflict_strategy_(conflict_strategy),
      options_(std::move(options)) {}

CloudSyncEngine::~CloudSyncEngine() = default;

PairIdentity CloudSyncEngine::identity(const std::string& local_dir,
                                       const std::string& cloud_prefix) const {
  return sync::pair_identity(cloud_storage_->options(), local_dir, cloud_prefix);
}

SyncProgress CloudSyncEngine::run(Direction direction, const PairIdentity& pair,
                                  const RunOptions& options,
                                  std::vector<SyncConflict>* conflicts) {
  require_same_bucket(pair, identity(pair.local_root, pair.prefix));
  sync::refuse_nested_bucket(cloud_storage_->options(), pair.local_root);
  Session session(*cloud_storage_, sync_state_db_,
                  make_settings(direction, conflict_strategy_, options_,
                                cloud_storage_->options(), options),
                  pair, options);
  auto progress = session.run();
  session.report().rethrow_callback_failure();
  if (conflicts != nullptr) *conflicts = session.report().take_conflicts();
  return progress;
}

SyncProgress CloudSyncEngine::upload_directory(const std::string& local_dir,
                                               const std::string& cloud_prefix,
                                               const RunOptions& options) {
  return run(Direction::kUpload, identity(local_dir, cloud_prefix), options, nullptr);
}

SyncProgress CloudSyncEngine::download_directory(const std::string& cloud_prefix,
                                                 const std::string& local_dir,
                                                 const RunOptions& options) {
  return run(Direction::kDownload, identity(local_dir, cloud_prefix), options, nullptr);
}

std::pair<SyncProgress, std::vector<SyncConflict>> CloudSyncEngine::sync_bidirectional(
    const std::string& local_dir, const std::string& cloud_prefix,
    const RunOptions& options) {
  std::vector<SyncConflict> conflicts;
  auto progress =
      run(Direction::kSync, identity(local_dir, cloud_prefix), options, &conflicts);
  return {std::move(progress), std::move(conflicts)};
}

SyncProgress CloudSyncEngine::retry_failed(const PairRecord& pair,
                                           const RunOptions& options) {
  RunOptions only = options;
  std::string command;
  {
    const auto state = open_state_database(sync_state_db_, OpenMode::kReadOnly);
    for (const auto& failure : state->failures(pair.id))
      only.only_keys.push_back(failure.key);
    command = last_command(*state, pair);
  }
  if (only.only_keys.empty()) {
    SyncProgress nothing;
    nothing.command = command;
    return nothing;
  }
  return run(direction_of(command), pair.identity, only, nullptr);
}

SyncProgress CloudSyncEngine::resolve_conflict(const PairRecord& pair,
                                               const std::string& path, Keep keep,
                                               const RunOptions& options) {
  std::vector<std::string> keys;
  {
    const auto state = open_state_database(sync_state_db_);
    const auto row = state->conflict(pair.id, path);
    if (!row) {
      throw Error(ErrorCode::kInvalidArgument,
                  "no open conflict for this path; see 'cloudsync conflicts list'");
    }
    state->set_conflict_choice(pair.id, path, strategy_for(keep));
    keys = keys_of(*row);
  }
  return carry_out_choices(pair.identity, std::move(keys), options);
}

SyncProgress CloudSyncEngine::carry_out_choices(const PairIdentity& pair,
                                                std::vector<std::string> keys,
                                                const RunOptions& options) {
  RunOptions only = options;
  only.only_keys = std::move(keys);
  only.conflict_strategy = ConflictStrategy::kManual;
  // A choice was made about two versions; a file that has gone since is no part of it.
  only.deletes = Deletes::kKeep;
  return run(Direction::kSync, pair, only, nullptr);
}

SyncProgress CloudSyncEngine::resolve_conflicts(
    const std::string& local_dir, const std::string& cloud_prefix,
    const std::vector<SyncConflict>& conflicts, const RunOptions& options) {
  const auto pair_id = identity(local_dir, cloud_prefix);
  std::vector<std::string> keys;
  bool stale = false;
  {
    const auto state = open_state_database(sync_state_db_);
    const auto pair = state->pair(pair_id);
    for (const auto& conflict : conflicts) {
      if (!conflict.resolution) continue;
      const auto row = state->conflict(pair.id, conflict.file_path);
      if (!row || !same_side(row->local, conflict.local) ||
          !same_side(row->cloud, conflict.cloud)) {
        stale = true;
        continue;
      }
      state->set_conflict_choice(pair.id, conflict.file_path, conflict.resolution);
      for (auto& key : keys_of(*row)) keys.push_back(std::move(key));
    }
  }
  SyncProgress progress;
  progress.command = "sync";
  if (!keys.empty()) progress = carry_out_choices(pair_id, std::move(keys), options);
  progress.stale_resolution |= stale;
  return progress;
}

}  // namespace cloudsync

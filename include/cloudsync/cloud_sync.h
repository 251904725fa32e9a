// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "cloudsync/cloud_storage.h"
#include "cloudsync/error.h"
#include "cloudsync/sync_state.h"
#include "cloudsync/types.h"

namespace cloudsync {

enum class ContentHash { kMd5, kSha256 };
enum class Durability { kBatch, kFull, kNone };
enum class Links { kSkip, kFollow, kPreserve };
enum class Direction { kSync, kUpload, kDownload };

// A share of a side's base rows, or a number.
struct MaxDelete {
  bool is_percent = true;
  double value = 50;
  bool is_default = true;  // the default also allows 10 deletions of any tree
};

// What replaced files may take in the local trash: a share of the file system, or bytes.
struct TrashLimit {
  bool is_percent = true;
  double percent = 5;
  std::uint64_t bytes = 0;
  bool is_default = true;  // the default is never below 1 GB
};

// Settings that hold for every run of an engine; the configuration file's keys of the same names.
struct EngineOptions {
  std::optional<int> max_workers;            // requests in flight; nothing = auto
  std::optional<Deletes> deletes;            // nothing = sync propagates, one-way keeps
  MaxDelete max_delete;
  std::optional<MaxDelete> max_rewrite;      // of the known files; nothing = any
  bool allow_emptied = false;                // an empty source may empty the other side
  bool trash = true;
  std::int64_t trash_retention_seconds = 30 * 86400;
  TrashLimit trash_limit;
  bool trash_replaced = false;               // versions that a side had seen, too
  ContentHash content_hash = ContentHash::kMd5;
  bool require_conditional_writes = false;
  Durability durability = Durability::kBatch;
  Links links = Links::kSkip;
  bool empty_dirs = false;
  bool ignore_unsafe = false;                // what the other side cannot hold is no exit 3
  bool keep_metadata = true;                 // a replaced object keeps what its owner gave it
  std::vector<std::string> filters;          // "- *.tmp", "+ *.csv"; first match wins
  std::vector<std::string> own_files;        // configuration, credentials: never synced
};

// Brakes that a run may lift, each by name.
enum class Force {
  kMaxDelete,
  kEmptied,
  kRoot,
  kRestoredLocal,
  kRestoredCloud,
  kState,
  kRewritten,
  kEnvelope
};

// One thing done, failed or (dry run) planned; reported as it happens, from several threads but
// never at once.
struct ActionEvent {
  OperationAction action = OperationAction::kSkip;
  std::string path;       // relative, bytes
  std::string new_path;   // conflict copies
  std::uint64_t bytes = 0;
  enum class Status { kDone, kFailed, kPlanned } status = Status::kDone;
  std::string error_code;
  std::string error_message;
};

// A snapshot for a progress display.
struct ProgressSnapshot {
  std::uint64_t total_files = 0;      // known from the state database at once, corrected as it goes
  std::uint64_t total_bytes = 0;
  std::uint64_t checked_files = 0;
  std::uint64_t pending_files = 0;    // decided, not yet moved
  std::uint64_t pending_bytes = 0;
  std::uint64_t done_files = 0;       // moved
  std::uint64_t done_bytes = 0;       // moved, partial files included
  double seconds = 0;
  bool listing_complete = false;
  std::vector<std::string> in_flight;  // relative paths, a few
};

struct RequestCounts {
  std::uint64_t list = 0, head = 0, get = 0, put = 0, del = 0, other = 0;
};

// How many requests a run had in flight at once.
struct ConcurrencyReport {
  bool automatic = false;      // found by the run itself, not configured
  std::uint64_t most = 0;      // 0 = nothing was run
  std::uint64_t last = 0;      // when it ended
  std::uint64_t throttled = 0; // requests that the service refused as too many
};

// What a run did. `completed_files` and `transfer_speed_mbps` are the spec's words.
struct SyncProgress {
  std::string command;
  std::uint64_t uploaded = 0, downloaded = 0, deleted_local = 0, deleted_remote = 0;
  std::uint64_t adopted = 0, unchanged = 0, forgotten = 0;
  std::uint64_t conflicts = 0, conflicts_open = 0, conflicts_resolved = 0;
  std::uint64_t archived = 0, skipped = 0, failed = 0, unsafe = 0;
  std::uint64_t bytes_uploaded = 0, bytes_downloaded = 0;
  std::uint64_t total_files = 0;       // seen on either side
  std::uint64_t completed_files = 0;   // uploaded + downloaded
  double seconds = 0;
  double transfer_speed_mbps = 0;      // megabytes (10^6) a second
  RequestCounts requests;
  ConcurrencyReport concurrency;
  std::optional<std::string> brake;    // name of the brake that stopped deletions or the run
  std::string brake_message;           // what it saw and how to go on
  std::vector<std::string> notices;    // said once: fallbacks, prefix slash, new database
  std::uint64_t rewritten = 0;         // known files with new content, where they are most of all
  bool state_rebuilt = false;          // the database that knew this pair is gone
  bool stale_resolution = false;
  bool stopped = false;                // on request; state saved
  std::vector<std::string> unsafe_paths;  // the first thousand
  std::optional<Error> fatal;          // what ended the run early (listing, credentials)
  bool dry_run = false;
  bool ignore_unsafe = false;          // as asked: `unsafe` does not show in the exit code
};

// An open or settled conflict, as the user sees it. Assigning `resolution` and passing the conflict
// to resolve_conflicts() carries the choice out, if both sides are still what is shown here.
struct SyncConflict {
  std::string file_path;        // relative
  std::string conflict_reason;
  ConflictSide local;
  ConflictSide cloud;
  std::optional<ConflictStrategy> resolution;  // set when a strategy settled it
};

struct RunOptions {
  bool dry_run = false;
  std::optional<Deletes> deletes;                     // overrides EngineOptions
  std::optional<MaxDelete> max_delete;
  std::optional<ConflictStrategy> conflict_strategy;
  bool mirror = false;                                // one-way only
  bool checksum = false;                              // hash every file
  bool size_only = false;
  bool ignore_stored_md5 = false;                     // one that anybody can set, and alone
  std::set<Force> force;                              // this run only
  std::vector<std::string> filters;                   // behind EngineOptions::filters
  std::vector<std::string> excluded_paths;            // files never synced: the log
  std::vector<std::string> only_keys;                 // retry: decide just these; empty = all
  std::stop_token stop;
  // What a callback throws ends the run in order, and reaches the caller of the run.
  std::function<void(const ActionEvent&)> on_action;
  std::function<void(const ProgressSnapshot&)> on_progress;  // about ten times a second
};

enum class Keep { kLocal, kCloud, kBoth };

// Keeps a directory and a bucket prefix in step. One run at a time per pair (a second one throws
// kLocked); different pairs of one database may run at once. Failures of single files are counted
// and recorded, never thrown; what ends a whole run early is in SyncProgress::fatal, except faults
// found before anything began (missing root, locked pair, newer database), which are thrown. A child
// after fork() uses connections of its own; it cannot open a database while its parent had one open at
// the fork (Error{kUnsupported}).
class CloudSyncEngine {
 public:
  CloudSyncEngine(std::shared_ptr<CloudStorage> cloud_storage, std::string sync_state_db,
                  ConflictStrategy conflict_strategy = ConflictStrategy::kTimestampWins,
                  EngineOptions options = {});
  ~CloudSyncEngine();

  SyncProgress upload_directory(const std::string& local_dir, const std::string& cloud_prefix,
                                const RunOptions& options = {});
  SyncProgress download_directory(const std::string& cloud_prefix, const std::string& local_dir,
                                  const RunOptions& options = {});
  std::pair<SyncProgress, std::vector<SyncConflict>> sync_bidirectional(
      const std::string& local_dir, const std::string& cloud_prefix, const RunOptions& options = {});

  // Re-decides and repeats exactly the failed keys of a pair, with that pair's last command.
  SyncProgress retry_failed(const PairRecord& pair, const RunOptions& options = {});

  // Carries out choices; each is refused as stale when a side has changed since it was shown.
  SyncProgress resolve_conflict(const PairRecord& pair, const std::string& path, Keep keep,
                                const RunOptions& options = {});
  // Records the resolutions of these conflicts and carries them out.
  SyncProgress resolve_conflicts(const std::string& local_dir, const std::string& cloud_prefix,
                                 const std::vector<SyncConflict>& conflicts,
                                 const RunOptions& options = {});

  CloudStorage& cloud_storage() { return *cloud_storage_; }
  const std::string& sync_state_db() const { return sync_state_db_; }
  // The identity under which the state of this pair is kept.
  PairIdentity identity(const std::string& local_dir, const std::string& cloud_prefix) const;

 private:
  SyncProgress run(Direction direction, const PairIdentity& pair, const RunOptions& options,
                   std::vector<SyncConflict>* conflicts);
  SyncProgress carry_out_choices(const PairIdentity& pair, std::vector<std::string> keys,
                                 const RunOptions& options);

  std::shared_ptr<CloudStorage> cloud_storage_;
  std::string sync_state_db_;
  ConflictStrategy conflict_strategy_;
  EngineOptions options_;
};

// The process exit code of a finished run (INTERFACE: the first of 130, 1, 10, 11, 5, 3, 4, 0; the
// program says 128 + the signal where one stopped it).
int exit_code(const SyncProgress& progress);
// The process exit code of a program that ended with this error.
int exit_code(const Error& error);

}  // namespace cloudsync

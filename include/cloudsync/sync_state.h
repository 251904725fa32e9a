// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "cloudsync/types.h"

namespace cloudsync {

using PairId = std::int64_t;
using RunId = std::int64_t;
using OperationId = std::int64_t;

// What makes two runs talk about the same thing. `container` carries the endpoint too, so that one
// database can serve two servers: "bucket" or "bucket@http://host:port".
struct PairIdentity {
  std::string local_root;  // absolute, symlinks resolved
  std::string provider;
  std::string container;
  std::string prefix;      // "" or ends in '/'
  bool operator==(const PairIdentity&) const = default;
};

struct PairRecord {
  PairId id = 0;
  std::string uuid;
  PairIdentity identity;
  std::uint64_t root_dev = 0;   // as last seen; 0 = never
  std::uint64_t root_ino = 0;
  std::int64_t epoch = 0;
  bool has_marker = false;      // root.json was written for this pair
  std::string filter_hash;      // of the last completed run
  std::string capabilities;     // JSON, "" = not probed
  std::uint64_t entries = 0;    // base rows and their bytes now; kept by the database, not saved
  std::uint64_t bytes = 0;
};

enum class EntryKind : std::uint8_t { kFile = 0, kDirectory = 1, kSymlink = 2 };

// Bits of BaseRow::flags; stored.
inline constexpr std::uint32_t kBaseRacy = 1;          // hash at the next scan whatever stat says
inline constexpr std::uint32_t kBaseIgnored = 2;       // hidden by a filter since
inline constexpr std::uint32_t kBaseDirCreated = 4;    // sync made the parent directory
inline constexpr std::uint32_t kBaseUnproven = 8;      // adopted by schema 1, perhaps on equal sizes
inline constexpr std::uint32_t kBaseProvisional = 16;  // r_mtime is the response's Date, +-5 s
inline constexpr std::uint32_t kBaseTransferred = 32;  // proof: our own transfer
inline constexpr std::uint32_t kBaseCompared = 64;     // proof: both contents were compared
// This version was written here and carries nothing that an owner gave it (metadata, tags ...).
inline constexpr std::uint32_t kBaseBare = 128;

// "At some past instant both sides held exactly this content." A claim about the past: a stale row
// costs work, never data.
struct BaseRow {
  std::string key;  // relative to root and prefix, bytes
  EntryKind kind = EntryKind::kFile;
  std::uint64_t size = 0;
  Md5Digest md5{};
  std::optional<Sha256Digest> sha256;
  std::optional<std::uint32_t> crc32c;
  std::int64_t l_mtime = 0;  // nanoseconds
  std::int64_t l_ctime = 0;
  std::uint64_t l_ino = 0;
  std::uint64_t l_dev = 0;
  std::uint32_t l_mode = 0;
  std::string r_token;
  std::string r_version;
  std::int64_t r_mtime = 0;  // nanoseconds, the server's clock
  std::uint32_t flags = 0;
};

// Values are stored and appear in JSON under the names of action_name().
enum class OperationAction : int {
  kUpload = 0,
  kDownload = 1,
  kDeleteLocal = 2,
  kDeleteRemote = 3,
  kAdopt = 4,
  kForget = 5,
  kConflict = 6,
  kConflictCopy = 7,
  kArchived = 8,
  kUnsafe = 9,
  kSkip = 10,
};
std::string_view action_name(OperationAction action);  // "upload", "delete_local"

enum class OperationState : int { kDone = 0, kFailed = 1, kStale = 2 };

// One terminal row per mutation (or per failed try at one): the audit trail.
struct OperationRow {
  OperationId id = 0;  // given by the database
  RunId run = 0;
  PairId pair = 0;
  std::string key;
  OperationAction action = OperationAction::kUpload;
  int decide_row = 0;  // row of the decision table, 0 = none
  OperationState state = OperationState::kDone;
  int attempts = 1;
  std::uint64_t bytes = 0;
  std::optional<Md5Digest> old_md5;
  std::optional<Md5Digest> new_md5;
  std::string old_token;
  std::string new_token;
  std::string trash_ref;  // where the replaced or removed content is kept
  std::string error_code;
  std::string error_text;
  std::int64_t started_ns = 0;
  std::int64_t ended_ns = 0;
};

enum class RunOutcome : int { kRunning = 0, kDone = 1, kPartial = 2, kBrake = 3, kStopped = 4, kFailed = 5 };

struct RunRow {
  RunId id = 0;
  PairId pair = 0;
  std::string command;
  std::int64_t epoch = 0;
  std::int64_t started_ns = 0;
  std::int64_t ended_ns = 0;  // 0 = still running or cut off
  RunOutcome outcome = RunOutcome::kRunning;
  std::string stats;          // the JSON summary line
};

// One side of a conflict as the user was shown it.
struct ConflictSide {
  bool present = false;
  std::uint64_t size = 0;
  std::optional<Md5Digest> md5;
  std::int64_t mtime_ns = 0;
  std::int64_t ctime_ns = 0;  // local only
  std::uint64_t ino = 0;      // local only
  std::string token;          // remote only
};

// Values are stored.
enum class ConflictReason : int {
  kBothModified = 0,
  kBothCreated = 1,
  kLocalDeletedRemoteModified = 2,
  kLocalModifiedRemoteDeleted = 3,
  kTypeConflict = 4,
  kCaseCollision = 5,
};
std::string_view conflict_reason_text(ConflictReason reason);  // "both sides changed"

struct ConflictRow {
  PairId pair = 0;
  std::string key;
  ConflictReason reason = ConflictReason::kBothModified;
  ConflictSide local;
  ConflictSide cloud;
  std::optional<Md5Digest> base_md5;
  std::optional<ConflictStrategy> choice;  // recorded, carried out by the next sync if not stale
  std::int64_t first_seen_ns = 0;
  std::int64_t last_seen_ns = 0;
};

// A large transfer that may outlive its process.
struct TransferRow {
  OperationId id = 0;  // given by begin_transfer
  PairId pair = 0;
  std::string key;
  OperationAction direction = OperationAction::kUpload;  // kUpload or kDownload
  std::uint64_t size = 0;
  std::uint64_t part_size = 0;
  std::int64_t src_mtime = 0;  // upload: identity of the local file
  std::int64_t src_ctime = 0;
  std::uint64_t src_ino = 0;
  std::uint64_t src_dev = 0;
  std::string expect_token;    // upload: token to replace, "" = absent; download: version fetched
  std::string upload_ref;      // the provider's upload id
  std::string temp_name;       // download: file under .cloudsync/tmp
  std::int64_t started_ns = 0;
};

struct PartRow {
  OperationId transfer = 0;
  std::uint32_t number = 0;  // 1-based
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::string etag;
  std::optional<Md5Digest> md5;
};

// A write that was on its way when its row was made: what both sides hold once it has arrived. A later
// run that finds exactly this where the base row says otherwise takes it as its own.
struct IntentRow {
  PairId pair = 0;
  OperationAction action = OperationAction::kUpload;  // also kDownload, kDeleteRemote, kDeleteLocal
  BaseRow base;                             // hash and local state, not yet the object's
  std::string expect_token;                 // of the object to be replaced or that was fetched
  std::string etag;                         // that its parts must give it, "" = not known
  std::optional<std::uint64_t> crc64nvme;
  std::int64_t started_ns = 0;
};

// A key whose last try failed: a hint to look again, never an order.
struct FailedRecord {
  PairId pair = 0;
  std::string key;         // relative
  std::string local_path;  // absolute
  OperationAction action = OperationAction::kUpload;
  int attempts = 1;
  std::string error_code;
  std::string error_text;
  std::int64_t failed_at_ns = 0;
};

struct SyncStatistics {
  std::uint64_t total_files = 0;           // base rows
  std::uint64_t total_bytes = 0;           // of the base rows
  std::uint64_t total_bytes_synced = 0;    // moved by all recorded transfers
  std::uint64_t total_operations = 0;
  std::uint64_t recent_failures_24h = 0;
  std::uint64_t open_conflicts = 0;
  std::uint64_t interrupted_transfers = 0;
};

// Changes of one transaction. Base rows, operations, transfers, conflicts and retry hints of one key
// travel together, so that a crash leaves all or none.
struct UpsertBase { PairId pair; BaseRow row; };
struct EraseBase { PairId pair; std::string key; };
struct RecordOperation { OperationRow row; };
struct SavePart { PartRow row; };
struct EraseTransfer { OperationId id; };
struct UpsertConflict { ConflictRow row; };
struct EraseConflict { PairId pair; std::string key; };
struct UpsertFailure { FailedRecord row; };
struct EraseFailure { PairId pair; std::string key; };
struct SaveIntent { IntentRow row; };  // one for each key, action and content
struct EraseIntents {
  PairId pair;
  std::string key;
  std::optional<OperationAction> action = {};  // nothing = all of the key
};
using StateChange = std::variant<UpsertBase, EraseBase, RecordOperation, SavePart, EraseTransfer,
                                 UpsertConflict, EraseConflict, UpsertFailure, EraseFailure,
                                 SaveIntent, EraseIntents>;

// Keys in [first, last) in byte order; last "" = no upper end.
struct KeyRange {
  std::string first;
  std::string last;
};

// Streams base rows in byte order of the key. Sees rows changed behind it, never skips one.
class BaseCursor {
 public:
  virtual ~BaseCursor() = default;
  virtual bool next(BaseRow& row) = 0;  // false at the end
};

// What the engine remembers between runs. Thread-safe. Every method throws Error{kLocalIo |
// kDiskFull} naming the database file; nothing is half-applied.
class SyncStateDatabase {
 public:
  virtual ~SyncStateDatabase() = default;

  // For users --------------------------------------------------------------------------------
  virtual SyncStatistics get_sync_statistics() const = 0;
  virtual std::vector<FailedRecord> get_failed_records() const = 0;
  // Deletes audit rows and finished runs older than `days_old` days; base rows, open conflicts and
  // interrupted transfers stay. Returns the number of rows deleted.
  virtual std::int64_t cleanup_old_records(int days_old) = 0;
  virtual std::string path() const = 0;  // absolute
  // What open did that the user must know ("the database was corrupt and was set aside as ...").
  virtual std::vector<std::string> notices() const = 0;

  // Pairs and runs ---------------------------------------------------------------------------
  virtual PairRecord pair(const PairIdentity& identity) = 0;  // created when new
  virtual std::optional<PairRecord> find_pair(const PairIdentity& identity) const = 0;
  virtual std::vector<PairRecord> pairs() const = 0;
  virtual void save_pair(const PairRecord& record) = 0;  // durable (FULL) before it returns
  // A small named value per provider endpoint and bucket (probed capabilities).
  virtual std::optional<std::string> meta(const std::string& name) const = 0;
  virtual void set_meta(const std::string& name, const std::string& value) = 0;
  virtual RunId begin_run(PairId pair, const std::string& command, std::int64_t epoch,
                          std::int64_t now_ns) = 0;
  virtual void end_run(const RunRow& run) = 0;
  virtual std::vector<RunRow> recent_runs(int limit) const = 0;  // newest first, all pairs

  // Base and changes -------------------------------------------------------------------------
  virtual std::unique_ptr<BaseCursor> base_rows(PairId pair, const KeyRange& range) const = 0;
  virtual std::optional<BaseRow> base_row(PairId pair, const std::string& key) const = 0;
  virtual std::uint64_t count_base_rows(PairId pair) const = 0;
  virtual void apply(std::span<const StateChange> changes) = 0;  // one transaction
  virtual void make_durable() = 0;  // everything applied survives a power cut after this

  // Transfers, conflicts, failures, audit ----------------------------------------------------
  virtual OperationId begin_transfer(const TransferRow& row) = 0;  // replaces the key's older one
  virtual void set_upload_ref(OperationId id, const std::string& upload_ref) = 0;
  virtual std::optional<TransferRow> find_transfer(PairId pair, const std::string& key,
                                                   OperationAction direction) const = 0;
  virtual std::vector<TransferRow> transfers(std::optional<PairId> pair) const = 0;
  virtual std::vector<PartRow> parts(OperationId transfer) const = 0;
  virtual std::uint64_t count_intents(PairId pair) const = 0;
  // Newest first.
  virtual std::vector<IntentRow> intents(PairId pair, const std::string& key) const = 0;
  // Intents of downloads, of any pair, that name one of these inodes name none from now on.
  virtual void forget_download_inodes(const std::set<std::uint64_t>& inodes) = 0;
  virtual void erase_intents_before(PairId pair, std::int64_t started_ns) = 0;
  virtual std::vector<ConflictRow> conflicts(std::optional<PairId> pair) const = 0;
  virtual std::optional<ConflictRow> conflict(PairId pair, const std::string& key) const = 0;
  virtual void set_conflict_choice(PairId pair, const std::string& key,
                                   std::optional<ConflictStrategy> choice) = 0;
  virtual std::vector<FailedRecord> failures(std::optional<PairId> pair) const = 0;
  // Newest first.
  virtual std::vector<OperationRow> operations(std::optional<PairId> pair, int limit) const = 0;
};

enum class OpenMode {
  kReadWrite,  // creates the file when missing, migrates, sets a corrupt one aside
  // Changes nothing on disk: a missing file behaves as an empty database, one of an older
  // schema is read through a private copy.
  kReadOnly,
};

// Opens the SQLite state database at `path` (relative: from the working directory). Waiting for
// another process that holds it ends soon after `stop` (Error{kCancelled}).
// Throws Error{kUnsupported} for a newer schema or a network file system, Error{kLocalIo} otherwise.
std::unique_ptr<SyncStateDatabase> open_state_database(const std::string& path,
                                                       OpenMode mode = OpenMode::kReadWrite,
                                                       std::stop_token stop = {});

}  // namespace cloudsync

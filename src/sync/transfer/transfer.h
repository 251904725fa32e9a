// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/call_context.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/kept_numbers.h"
#include "base/random.h"
#include "base/worker_pool.h"
#include "cloudsync/cloud_sync.h"
#include "cloudsync/sync_state.h"
#include "storage/object_store.h"
#include "storage/owner_properties.h"
#include "sync/transfer/buffer_budget.h"

namespace cloudsync::sync {

struct TransferSettings {
  std::uint64_t multipart_threshold = 100'000'000;  // bytes; above: parts
  std::uint64_t chunk_size = 5ULL << 20;  // bytes; raised to fit the store's part limits
  std::string storage_class;
  ContentHash content_hash = ContentHash::kMd5;
  bool ignore_stored_md5 = false;  // what anybody can set proves nothing, alone
  std::int64_t racy_window_ns = 2'000'000'000;  // stat younger than this proves nothing
  base::KeptNumbers kept{};  // by the root's file system, between runs
  // The clock that stamps the root's files less ours; 0 where the run may not write there.
  std::int64_t file_clock_offset_ns = 0;

  // A write after reading began, in the tick of the last one before, could leave this stat.
  bool is_racy(const base::FileStat& stat, std::int64_t begun_ns) const {
    const std::int64_t newest =
        stat.mtime_ns > stat.ctime_ns ? stat.mtime_ns : stat.ctime_ns;
    return newest >= begun_ns + file_clock_offset_ns - racy_window_ns;
  }
};

// What a transfer needs from the run. All references outlive it.
struct TransferEnvironment {
  base::FileSystem& files;
  storage::ObjectStore& store;              // retries by itself
  SyncStateDatabase& state;                 // begin_transfer, find_transfer, parts
  std::function<void(StateChange)> record;  // batched write, in order
  base::WorkerPool& pool;                   // parts are urgent tasks
  const base::Clock& clock;
  base::Random& random;
  PairId pair = 0;
  std::string prefix;  // "" or ends in '/'
  TransferSettings settings;
  std::function<void(const std::string& key, std::uint64_t bytes)> on_bytes;
  // Returns when the row is in the database; called before the request that makes or
  // replaces an object.
  std::function<void(IntentRow)> intend = {};
  std::shared_ptr<BufferBudget> buffers = std::make_shared<BufferBudget>();
};

enum class TransferStatus {
  kDone,
  kTargetChanged,  // precondition failed: observe again
  kSourceChanged,  // changed while being read, three times: reported as unstable
  kSourceGone,
  kArchived,
};

struct UploadJob {
  std::string key;  // relative
  EntryKind kind =
      EntryKind::kFile;  // kDirectory: marker; kSymlink: link_target as metadata
  std::string link_target;
  bool follow = false;  // links: follow
  storage::Precondition condition;
  storage::OwnerProperties owner = {};  // of the version that the condition names
};

struct UploadResult {
  TransferStatus status = TransferStatus::kDone;
  BaseRow base;             // complete, as it must be committed
  std::uint64_t bytes = 0;  // sent in this run
  std::optional<OperationId>
      transfer;  // row to erase in the transaction that commits the base
};

// Uploads one file: up to 8 MiB from one buffer, above in a second reading pass with the
// last block held back until the file proved unchanged, above the threshold in parallel
// parts that survive a crash. The base row holds the stat before reading and the hash of
// the bytes that were sent. Throws Error for everything that is not in TransferStatus.
UploadResult upload_file(TransferEnvironment& environment, const UploadJob& job,
                         const CallContext& context);

struct DownloadJob {
  std::string key;
  storage::ObjectInfo remote;  // as listed; pins the version
  // Bytes came that were wrong: over new connections, and counted already.
  bool again = false;
};

struct DownloadResult {
  TransferStatus status = TransferStatus::kDone;
  std::string temp_path;     // verified content under .cloudsync/tmp, 0600, mtime set
  storage::ObjectInfo info;  // from the GET, metadata included
  Md5Digest md5{};
  std::optional<Sha256Digest> sha256;
  std::int64_t mtime_ns = 0;  // metadata mtime, else LastModified
  std::uint64_t bytes = 0;    // received in this run
  std::optional<OperationId> transfer;
};

// Downloads one object into .cloudsync/tmp, every request pinned to the listed version,
// and verifies length and content hash: what does not match is fetched once more over a
// new connection, and then is data_corrupt. Above the threshold by
// parallel ranges that survive a crash. Does not sync the file: placing does.
DownloadResult download_file(TransferEnvironment& environment, const DownloadJob& job,
                             const CallContext& context);

// MD5 (and SHA-256 when asked) of a local file by the stability protocol: nothing when
// the file changed while being read or is gone. `stat` is the state before reading.
struct HashedFile {
  base::FileStat stat;
  Md5Digest md5{};
  std::optional<Sha256Digest> sha256;
  std::int64_t begun_ns = 0;  // when reading began, by our clock; 0 = not told
};
std::optional<HashedFile> hash_local_file(base::FileSystem& files, const std::string& key,
                                          bool follow, ContentHash content_hash,
                                          const CallContext& context);

}  // namespace cloudsync::sync

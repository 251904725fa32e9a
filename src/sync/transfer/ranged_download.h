// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "sync/transfer/incoming_file.h"
#include "sync/transfer/part_plan.h"
#include "sync/transfer/urgent_group.h"

namespace cloudsync::sync {

// Fetches one version of an object by ranges into one file. The calling thread hashes the
// finished front of the file in order while the ranges arrive. A range that an
// interrupted run recorded is read back and taken only when its bytes still have the
// recorded checksum.
class RangeFetcher {
 public:
  RangeFetcher(TransferEnvironment& environment, const DownloadJob& job,
               IncomingFile& incoming, OperationId transfer, const CallContext& context);

  // False when the object is not (or no longer) to be had in this version: see refused().
  // Throws the first error of a range; ranges that are done stay recorded.
  bool fetch();

  storage::Outcome refused() const;
  ReceivedContent received() const { return received_; }
  const std::optional<storage::ObjectInfo>& info() const { return info_; }
  std::uint64_t fetched_bytes() const { return fetched_bytes_; }

 private:
  bool submit_next(std::uint32_t& next);
  bool hash_next();
  void take_part(std::uint32_t number);
  bool recorded_part_holds(std::uint32_t number);
  void fetch_part(std::uint32_t number);
  void finish_part(std::uint32_t number, std::uint64_t crc);
  bool part_is_done(std::uint32_t number) const;

  TransferEnvironment& environment_;
  const DownloadJob& job_;
  IncomingFile& incoming_;
  OperationId transfer_;
  const CallContext& context_;
  PartPlan plan_;
  std::map<std::uint32_t, std::uint64_t> recorded_;  // number -> CRC64NVME
  ContentHasher hasher_;
  std::uint32_t hashed_parts_ = 0;
  ReceivedContent received_;
  std::atomic<std::uint64_t> fetched_bytes_{0};
  mutable std::mutex mutex_;                        // guards what follows
  std::vector<std::optional<std::uint64_t>> crcs_;  // by number - 1, of finished parts
  std::optional<storage::ObjectInfo> info_;
  storage::Outcome refused_ = storage::Outcome::kOk;
  // Last: its destructor waits for the tasks that use the members above.
  UrgentGroup group_;
};

// At the start of a run, under the pair's lock: forgets this pair's interrupted downloads
// that are older than 7 days or have lost their file, and removes what is left of them.
void drop_stale_downloads(TransferEnvironment& environment);

}  // namespace cloudsync::sync

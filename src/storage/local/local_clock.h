// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "storage/local/local_layout.h"

namespace cloudsync::storage::local {

// Gives a file that has just been written a modification time of its own: nanoseconds
// that no other put has, by the clock of the file system where that differs from ours,
// since it is the one that everybody who uses the bucket shares.
void stamp_now(int fd, const std::string& where);

// The clock of the bucket's file system against ours, measured by a file just written
// there; again after a while.
class FileSystemClock {
 public:
  explicit FileSystemClock(const BucketFolder& folder) : folder_(folder) {}
  // Nothing while nothing can be written: for lack of a bucket, or of the right.
  std::optional<std::int64_t> offset_ns();

 private:
  std::optional<std::int64_t> measure() const;

  const BucketFolder& folder_;
  std::mutex mutex_;
  std::optional<std::chrono::steady_clock::time_point> measured_;
  std::optional<std::int64_t> offset_;
};

}  // namespace cloudsync::storage::local

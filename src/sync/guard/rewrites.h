// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "cloudsync/cloud_sync.h"
#include "sync/decide/brakes.h"

namespace cloudsync::sync {

// How many known files one side has rewritten, so that what encrypts or empties every
// file does not pass in silence. With a limit the replacements wait here until the whole
// plan stands; keys beyond the limit need not be kept, since then none is carried out.
// Thread-safe.
class Rewrites {
 public:
  explicit Rewrites(std::optional<MaxDelete> limit) : limit_(limit) {}

  void expect(std::uint64_t base_rows);
  // The version of `by` is about to replace the other side's. True: it has to wait.
  bool wait_for_plan(Side by, const std::string& key);
  // Both sides are compared again: what waits is found once more. Without a limit nothing
  // waited, and what was replaced is in step by then.
  void compare_again();
  // The keys that waited; from now on none waits.
  std::vector<std::string> release();

  std::optional<Brake> brake(std::uint64_t base_rows) const;
  // What to say of a run in which one side rewrote most of what was known.
  std::optional<std::string> remark(std::uint64_t base_rows) const;
  std::uint64_t count() const;  // of the side that rewrote more

 private:
  std::uint64_t& of(Side side) { return side == Side::kLocal ? local_ : remote_; }
  Side busier() const { return local_ >= remote_ ? Side::kLocal : Side::kRemote; }

  std::optional<MaxDelete> limit_;
  mutable std::mutex mutex_;
  bool released_ = false;
  std::uint64_t local_ = 0, remote_ = 0;
  std::uint64_t most_waiting_ = 0;
  std::vector<std::string> waiting_;
};

}  // namespace cloudsync::sync

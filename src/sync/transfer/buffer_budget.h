// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

namespace cloudsync::sync {

// How much memory the part buffers of all running uploads may take together. What a file
// needs to make progress at all is never refused (claim); what only makes it faster is
// (try_claim).
class BufferBudget {
 public:
  explicit BufferBudget(std::uint64_t limit_bytes = 256ULL << 20) : limit_(limit_bytes) {}

  void claim(std::uint64_t bytes) { used_ += bytes; }
  bool try_claim(std::uint64_t bytes) {
    std::uint64_t used = used_.load();
    while (used + bytes <= limit_) {
      if (used_.compare_exchange_weak(used, used + bytes)) return true;
    }
    return false;
  }
  void release(std::uint64_t bytes) { used_ -= bytes; }
  std::uint64_t used() const { return used_.load(); }

 private:
  const std::uint64_t limit_;
  std::atomic<std::uint64_t> used_{0};
};

}  // namespace cloudsync::sync

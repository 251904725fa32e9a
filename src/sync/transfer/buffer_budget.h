// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>

namespace cloudsync::sync {

// How much memory the buffers of all running uploads may take together. What a file needs
// to make progress at all is waited for (claim), what only makes it faster is refused
// when it does not fit (try_claim). Thread-safe.
class BufferBudget {
 public:
  explicit BufferBudget(std::uint64_t limit_bytes = 256ULL << 20) : limit_(limit_bytes) {}

  // Granted over the limit where waiting could be for ever: to a thread that holds
  // buffers already (it runs one upload inside another), to a first one, and once `stop`
  // fires.
  void claim(std::uint64_t bytes, const std::stop_token& stop = {});
  bool try_claim(std::uint64_t bytes);
  void release(std::uint64_t bytes);
  std::uint64_t used() const;

 private:
  const std::uint64_t limit_;
  mutable std::mutex mutex_;
  std::condition_variable_any released_;
  std::uint64_t used_ = 0;  // guarded by mutex_
};

// A share of the budget for as long as it lives, where there is one.
class BufferShare {
 public:
  BufferShare(BufferBudget& budget, std::uint64_t bytes)
      : budget_(budget), bytes_(budget.try_claim(bytes) ? bytes : 0) {}
  ~BufferShare() {
    if (granted()) budget_.release(bytes_);
  }
  BufferShare(const BufferShare&) = delete;
  BufferShare& operator=(const BufferShare&) = delete;
  bool granted() const { return bytes_ != 0; }

 private:
  BufferBudget& budget_;
  std::uint64_t bytes_;
};

}  // namespace cloudsync::sync

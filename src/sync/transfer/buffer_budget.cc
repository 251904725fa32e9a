// SPDX-License-Identifier: Apache-2.0
#include "sync/transfer/buffer_budget.h"

namespace cloudsync::sync {
namespace {

// Claims and releases of one upload are made by one thread.
thread_local std::uint64_t held_by_thread = 0;

}  // namespace

void BufferBudget::claim(std::uint64_t bytes, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (held_by_thread == 0) {
    released_.wait(lock, stop, [&] { return used_ == 0 || used_ + bytes <= limit_; });
  }
  used_ += bytes;
  held_by_thread += bytes;
}

bool BufferBudget::try_claim(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (used_ + bytes > limit_) return false;
  used_ += bytes;
  held_by_thread += bytes;
  return true;
}

void BufferBudget::release(std::uint64_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    used_ -= bytes;
  }
  held_by_thread -= bytes;
  released_.notify_all();
}

std::uint64_t BufferBudget::used() const {
  const std::lock_guard lock(mutex_);
  return used_;
}

}  // namespace cloudsync::sync

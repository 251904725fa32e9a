// SPDX-License-Identifier: Apache-2.0
#include "sync/transfer/part_buffers.h"

namespace cloudsync::sync {
namespace {

constexpr std::size_t kHugePart = 128U << 20;

}  // namespace

PartBuffers::PartBuffers(BufferBudget& budget, std::size_t buffer_bytes,
                         std::size_t wanted, const std::stop_token& stop)
    : budget_(budget),
      buffer_bytes_(buffer_bytes),
      count_(buffer_bytes > kHugePart ? 1 : 2) {
  budget_.claim(count_ * buffer_bytes_, stop);
  while (count_ < wanted && budget_.try_claim(buffer_bytes_)) ++count_;
}

PartBuffers::~PartBuffers() { budget_.release(count_ * buffer_bytes_); }

std::byte* PartBuffers::take() {
  const std::lock_guard lock(mutex_);
  if (free_.empty()) {
    all_.push_back(std::make_unique_for_overwrite<std::byte[]>(buffer_bytes_));
    return all_.back().get();
  }
  std::byte* buffer = free_.back();
  free_.pop_back();
  return buffer;
}

void PartBuffers::give_back(std::byte* buffer) {
  const std::lock_guard lock(mutex_);
  free_.push_back(buffer);
}

}  // namespace cloudsync::sync

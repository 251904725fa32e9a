// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "sync/transfer/buffer_budget.h"

namespace cloudsync::sync {

// The reused buffers of one upload. Their number is fixed at the start: two (one where a
// part alone is huge) are waited for, more there are only as the shared budget allows.
// Thread-safe.
class PartBuffers {
 public:
  PartBuffers(BufferBudget& budget, std::size_t buffer_bytes, std::size_t wanted,
              const std::stop_token& stop = {});
  ~PartBuffers();
  PartBuffers(const PartBuffers&) = delete;
  PartBuffers& operator=(const PartBuffers&) = delete;

  std::size_t count() const { return count_; }
  // Uninitialised; stays owned by this object. At most count() may be out at once.
  std::byte* take();
  void give_back(std::byte* buffer);

 private:
  BufferBudget& budget_;
  std::size_t buffer_bytes_;
  std::size_t count_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<std::byte[]>> all_;
  std::vector<std::byte*> free_;
};

}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>
#include <vector>

#include "sync/scan/prefetcher.h"
#include "sync/scan/scan.h"
#include "sync/scan/tree_walk.h"

namespace cloudsync::sync {
namespace {

using Batch = std::vector<LocalItem>;

// Large enough that handing over costs nothing beside the stat calls.
constexpr std::size_t kBatchItems = 256;

// Hands out single items of batches that `refill` brings.
template <typename Source>
class BatchedCursor : public LocalCursor {
 public:
  template <typename... Args>
  explicit BatchedCursor(Args&&... args) : source_(std::forward<Args>(args)...) {}

  bool next(LocalItem& item) override {
    if (at_ == batch_.size()) {
      batch_.clear();
      at_ = 0;
      if (!source_.refill(batch_)) return false;
    }
    item = std::move(batch_[at_++]);
    return true;
  }

 private:
  Source source_;
  Batch batch_;
  std::size_t at_ = 0;
};

class WalkInPlace {
 public:
  WalkInPlace(base::FileSystem& files, const LocalScanOptions& options,
              const CallContext& context)
      : walk_(files, options), context_(context) {}
  bool refill(Batch& batch) { return walk_.fill(batch, 1, context_); }

 private:
  TreeWalk walk_;
  CallContext context_;
};

class WalkAhead {
 public:
  WalkAhead(base::FileSystem& files, const LocalScanOptions& options,
            const CallContext& context, std::size_t read_ahead)
      : walk_(files, options),
        batch_items_(std::min(kBatchItems, read_ahead)),
        batches_(std::max<std::size_t>(1, read_ahead / batch_items_), context,
                 [this](Batch& batch, const CallContext& own) {
                   batch.reserve(batch_items_);
                   return walk_.fill(batch, batch_items_, own);
                 }) {}
  bool refill(Batch& batch) { return batches_.pop(batch); }

 private:
  TreeWalk walk_;
  std::size_t batch_items_;
  Prefetcher<Batch> batches_;  // last: its thread walks
};

}  // namespace

std::unique_ptr<LocalCursor> scan_local(base::FileSystem& files,
                                        const LocalScanOptions& options,
                                        const CallContext& context,
                                        std::size_t read_ahead) {
  if (read_ahead == 0) {
    return std::make_unique<BatchedCursor<WalkInPlace>>(files, options, context);
  }
  return std::make_unique<BatchedCursor<WalkAhead>>(files, options, context, read_ahead);
}

}  // namespace cloudsync::sync

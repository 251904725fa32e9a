// SPDX-License-Identifier: Apache-2.0
#include <utility>
#include <vector>

#include "sync/scan/prefetcher.h"
#include "sync/scan/remote_listing.h"
#include "sync/scan/scan.h"

namespace cloudsync::sync {
namespace {

using Batch = std::vector<RemoteEntry>;

std::unique_ptr<RemoteListing> make_listing(storage::ObjectStore& store,
                                            const RemoteScanOptions& options) {
  if (options.unordered) return sorted_listing(store, options);
  switch (store.capabilities().list_order) {
    case storage::KeyOrder::kUtf8:
      return stream_listing(store, options);
    case storage::KeyOrder::kUtf16:
      return utf16_listing(store, options);
    case storage::KeyOrder::kComponent:
    case storage::KeyOrder::kNone:
      break;
  }
  return sorted_listing(store, options);
}

class PagedCursor : public RemoteCursor {
 public:
  PagedCursor(std::unique_ptr<RemoteListing> listing, const CallContext& context)
      : listing_(std::move(listing)),
        pages_(1, context, [this](Batch& batch, const CallContext& own) {
          return listing_->next(batch, own);
        }) {}

  bool next(RemoteEntry& entry) override {
    if (at_ == page_.size()) {
      page_.clear();
      at_ = 0;
      if (!pages_.pop(page_)) return false;
    }
    entry = std::move(page_[at_++]);
    return true;
  }

 private:
  std::unique_ptr<RemoteListing> listing_;
  Batch page_;
  std::size_t at_ = 0;
  Prefetcher<Batch> pages_;  // last: its thread lists
};

}  // namespace

std::unique_ptr<RemoteCursor> scan_remote(storage::ObjectStore& store,
                                          const RemoteScanOptions& options,
                                          const CallContext& context) {
  return std::make_unique<PagedCursor>(make_listing(store, options), context);
}

}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/listed_pages.h"
#include "sync/scan/listing_spill.h"
#include "sync/scan/scan.h"

namespace cloudsync::sync {

// The objects of one prefix, page by page.
class ListingPages {
 public:
  ListingPages(storage::ObjectStore& store, std::string prefix, std::string start_after);

  // False after the last page. A page may be empty.
  bool next(std::vector<storage::ObjectInfo>& objects, const CallContext& context);
  bool at_end() const { return pages_.at_end(); }
  // Goes on behind this full key instead of with the next page.
  void jump(std::string start_after) { pages_.jump(std::move(start_after)); }
  [[noreturn]] void distrust(const std::string& reason) const { pages_.distrust(reason); }
  // Because `key` came behind `last`: OutOfOrder, or twice the same.
  [[noreturn]] void distrust_order(const std::string& last, const std::string& key) const;

 private:
  storage::ListedPages pages_;
};

// Turns listed objects into entries with relative keys.
class RemoteClassifier {
 public:
  RemoteClassifier(const RemoteScanOptions& options, bool nested_keys);

  // Nothing for what is not to be seen: out of range, hidden by the filter, cloudsync's
  // own.
  std::optional<RemoteEntry> classify(storage::ObjectInfo info) const;
  bool past_range(std::string_view key) const;
  // The outermost directory ("a/b/") around this key of which no key is to be seen.
  std::optional<std::string> unseen_directory(std::string_view key) const;

 private:
  std::optional<RemoteEntry> blocked(RemoteEntry entry) const;
  std::optional<RemoteEntry> hidden_by_filter(RemoteEntry entry) const;
  void find_problem(RemoteEntry& entry) const;

  const RemoteScanOptions options_;
  const bool nested_keys_;
};

// Entries in byte order, a batch a call.
class RemoteListing {
 public:
  virtual ~RemoteListing() = default;
  virtual bool next(std::vector<RemoteEntry>& batch, const CallContext& context) = 0;
};

// Straight from the pages of a store that lists in byte order.
std::unique_ptr<RemoteListing> stream_listing(storage::ObjectStore& store,
                                              const RemoteScanOptions& options);
// The same for one that lists by UTF-16 code units. When more than `max_held` entries
// (some 500 bytes each) have to wait for their place, it goes on like sorted_listing.
std::unique_ptr<RemoteListing> utf16_listing(storage::ObjectStore& store,
                                             const RemoteScanOptions& options,
                                             std::size_t max_held = 100'000);
// By way of a sorted temporary database, for any other store.
std::unique_ptr<RemoteListing> sorted_listing(storage::ObjectStore& store,
                                              const RemoteScanOptions& options);

}  // namespace cloudsync::sync

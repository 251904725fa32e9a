// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <dirent.h>

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "storage/local/local_layout.h"
#include "storage/object_store.h"

namespace cloudsync::storage::local {

// Names of one directory that can still matter, packed, in the order of the full keys (a
// directory sorts as "name/").
class SortedNames {
 public:
  void add(const std::string& name, bool is_directory);
  void sort();  // each name once
  bool done() const { return next_ == entries_.size(); }
  // The name, with a final '/' for a directory.
  std::string take();

 private:
  struct Entry {
    std::uint64_t offset;
    std::uint32_t length;
  };
  std::string text_;
  std::vector<Entry> entries_;
  std::size_t next_ = 0;
};

struct ListItem {
  std::string name;                // a key, or a common prefix
  std::optional<ObjectInfo> info;  // nothing for a common prefix
};

// Walks the bucket in byte order of the key. Memory: the names of the directories on the
// way down to the current one. What cannot be looked at or is no object comes as a
// blocked item; throws when the folder of the prefix itself cannot be read.
class ListingWalk {
 public:
  struct Start {
    std::string after;
    std::string skipped;  // a whole common prefix, or ""
  };
  // Yields what comes after `after` (exclusive) and outside `skipped` below the request's
  // prefix.
  ListingWalk(const BucketFolder& folder, const ListRequest& request, Start start);
  std::optional<ListItem> next(const CallContext& context);
  void put_back(ListItem item) { pending_ = std::move(item); }

 private:
  struct Level {
    std::string prefix;  // "" or ends in '/'
    UniqueFd fd;
    SortedNames names;
  };
  // Why it cannot be read; "" when it was entered, or has gone.
  std::string enter(const std::string& prefix, const CallContext& context);
  void enter_top(const std::string& top);
  void read_names(Level& level, const CallContext& context);
  void read_once(Level& level, DIR* stream, const CallContext& context);
  bool wanted(const std::string& full, bool is_directory) const;
  std::optional<ListItem> visit_directory(const std::string& key,
                                          const CallContext& context);
  std::optional<ListItem> visit_name(const std::string& key);
  std::optional<ListItem> marker(const std::string& prefix);
  bool holds_objects(const std::string& prefix, const CallContext& context) const;

  const BucketFolder& folder_;
  std::string prefix_;
  std::string delimiter_;
  Start start_;
  UniqueFd bucket_;
  std::vector<Level> levels_;
  std::optional<ListItem> pending_;
};

// Pages over walks; keeps the last few suspended ones, so that the next page goes on
// where the last one stopped instead of reading large directories again.
class Listings {
 public:
  explicit Listings(const BucketFolder& folder) : folder_(folder) {}
  ListPage page(const ListRequest& request, const CallContext& context);

 private:
  struct Suspended {
    std::string id;
    std::unique_ptr<ListingWalk> walk;
  };
  std::unique_ptr<ListingWalk> resume(const ListRequest& request);
  void suspend(const ListRequest& request, const std::string& token,
               std::unique_ptr<ListingWalk> walk);

  const BucketFolder& folder_;
  std::mutex mutex_;
  std::list<Suspended> suspended_;  // newest first
};

}  // namespace cloudsync::storage::local

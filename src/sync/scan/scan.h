// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/call_context.h"
#include "base/file_system.h"
#include "cloudsync/cloud_sync.h"
#include "cloudsync/error.h"
#include "storage/object_store.h"
#include "sync/scan/filter.h"
#include "sync/scan/model.h"

namespace cloudsync::sync {

// Items in byte order of the key, once each.
class LocalCursor {
 public:
  virtual ~LocalCursor() = default;
  virtual bool next(LocalItem& item) = 0;  // false at the end
};

// The store does not list in the order that it was taken to have. What was read so far
// proves nothing about what was missing in it: begin again with `unordered`.
class OutOfOrder : public Error {
 public:
  explicit OutOfOrder(const std::string& what)
      : Error(ErrorCode::kUnavailable, "the listing is out of order: " + what) {}
};

class RemoteCursor {
 public:
  virtual ~RemoteCursor() = default;
  // False at the end. Throws Error when a page cannot be had, a key repeats or leaves the
  // prefix: the listing is then incomplete and nothing may be deleted; OutOfOrder where
  // reading it again by way of a spool helps.
  virtual bool next(RemoteEntry& entry) = 0;
};

struct LocalScanOptions {
  const Filter* filter =
      nullptr;  // nothing = everything; excluded directories are not opened
  Links links = Links::kSkip;
  bool empty_dirs = false;
  KeyRange range;  // [first, last)
};

// Walks the tree depth first with siblings sorted as `name` or `name/`, which is exactly
// byte order of the keys; opens and reads directories only, never files. A directory or
// entry that cannot be read becomes an UnknownRange or an entry with a problem. Reads
// ahead on a thread of its own when `read_ahead` is not 0 (entries buffered). Memory: the
// names of the directories on the current path.
std::unique_ptr<LocalCursor> scan_local(base::FileSystem& files,
                                        const LocalScanOptions& options,
                                        const CallContext& context,
                                        std::size_t read_ahead = 4096);

struct RemoteScanOptions {
  std::string prefix;  // "" or ends in '/'
  const Filter* filter = nullptr;
  bool empty_dirs = false;
  KeyRange range;          // relative keys
  bool unordered = false;  // sort by way of a temporary database, whatever the store says
};

// Lists the prefix page by page, one page ahead on a thread of its own; jumps over
// <prefix>.cloudsync/ with start_after instead of paging through it. `store` retries by
// itself.
std::unique_ptr<RemoteCursor> scan_remote(storage::ObjectStore& store,
                                          const RemoteScanOptions& options,
                                          const CallContext& context);

}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cloudsync/sync_state.h"
#include "sync/scan/filter.h"
#include "sync/scan/model.h"
#include "sync/scan/scan.h"

namespace cloudsync::sync {

// The streaming three-way merge: one item a key, in byte order, O(1) memory; but a file
// or object comes after what lies below its name, so that it knows of it. A key that only
// a base row names and that lies in an unknown range, is hidden by the filter, or lies
// below an object of its parent's name in a store without nested keys comes out as
// unknown, never as deleted. So does whatever lies at or below something in the bucket
// that is no object.
class Merge {
 public:
  struct Options {
    const Filter* filter = nullptr;  // for base rows; the scans filter themselves
    bool nested_keys = true;         // the bucket can list `a` beside `a/b`
    // Objects that have the name of a folder above all keys of these cursors, outermost
    // first.
    std::vector<std::string> objects_above = {};
    // Called once for each range of the local side that could not be looked at, before
    // the first item behind its beginning.
    std::function<void(const UnknownRange&)> on_unknown = nullptr;
  };
  Merge(LocalCursor& local, RemoteCursor& remote, BaseCursor& base, Options options);
  ~Merge();

  // False at the end. Throws what the remote cursor throws. Throws Error{kInternal} when
  // a cursor breaks the order.
  bool next(MergedItem& item);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cloudsync::sync

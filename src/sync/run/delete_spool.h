// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/file_system.h"
#include "cloudsync/sync_state.h"
#include "cloudsync/types.h"
#include "storage/object_store.h"
#include "sync/decide/brakes.h"

namespace cloudsync::sync {

struct PlannedDelete {
  std::string key;
  Side side = Side::kLocal;
  std::uint64_t size = 0;
  Md5Digest md5{};
  bool secure = false;   // the dagger
  bool has_base = true;  // false: --mirror of an item that was never synced
  int decide_row = 0;
  base::FileStat local;  // side kLocal: what must still be there
  // Side kRemote: what must still be there.
  std::string token;
  std::int64_t remote_modified_ns = 0;
  std::string trash_ref;  // once its copy is in the bucket's trash; not spooled
};

// Deletions wait here until the whole plan stands, on disk as soon as they are many: a
// private temporary database that vanishes with the process. Files created by the run are
// noted too, so that a rename does not count as a deletion. Thread-safe.
class DeleteSpool {
 public:
  DeleteSpool();
  ~DeleteSpool();

  void add(const PlannedDelete& planned);
  void created(Side side, std::uint64_t size, const Md5Digest& md5);
  bool holds(Side side, const std::string& key) const;
  DeletionCount count(Side side) const;  // of files; base_rows is left 0
  std::uint64_t size() const;
  // Keys that are on neither side any more: true only once the whole listing is known.
  void forget(const std::string& key);
  void take_forgotten(const std::function<void(const std::string&)>& visit);
  // Takes back all deletions of keys in this range, and what is to be forgotten there.
  void drop(const KeyRange& range);
  // In descending order of the keys. Return false to stop.
  using Visitor = std::function<bool(const PlannedDelete&)>;
  void for_each(const Visitor& visit) const;
  void for_each_file(const Visitor& visit) const;
  // Folders ("a/b/": depth 2) can go only when what is in them has gone: deepest first.
  void for_each_folder(std::size_t depth, const Visitor& visit) const;
  std::size_t deepest_folder() const;  // 0: no folder is planned

 private:
  void visit_rows(const char* sql, const Visitor& visit) const;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cloudsync::sync

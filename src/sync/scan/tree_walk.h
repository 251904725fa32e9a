// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sync/scan/scan.h"

namespace cloudsync::sync {

// The walk behind scan_local, without threads: depth first, siblings sorted as `name` or
// `name/`. One descriptor stays open for each directory of the current path, so that
// names are always looked up in the directory that listed them.
class TreeWalk {
 public:
  TreeWalk(base::FileSystem& files, LocalScanOptions options);

  // Appends items until the batch holds `limit` (or a few more); false when nothing was
  // appended because the walk is over. Throws Error{kCancelled}; problems of the tree
  // itself are items.
  bool fill(std::vector<LocalItem>& batch, std::size_t limit, const CallContext& context);

 private:
  struct Frame {
    std::string path;  // "" or ends in '/'
    std::unique_ptr<base::Directory> directory;
    std::vector<base::DirEntry> siblings;  // names of directories end in '/'
    std::size_t at = 0;
  };

  void step(std::vector<LocalItem>& out);
  void enter(const std::string& path, std::vector<LocalItem>& out);
  void visit_directory(const std::string& name, std::string key,
                       std::vector<LocalItem>& out);
  bool emit_directory(const std::string& name, const std::string& key,
                      std::vector<LocalItem>& out);
  void visit_entry(const std::string& name, std::string key, std::vector<LocalItem>& out);
  bool describe(const std::string& name, LocalEntry& entry, std::vector<LocalItem>& out);
  bool describe_link(const std::string& name, LocalEntry& entry);
  bool follow_link(const std::string& name, LocalEntry& entry);
  bool is_gone(const std::string& path);
  void add_slashes(std::vector<base::DirEntry>& siblings) const;
  bool may_hold_keys(const std::string& directory) const;
  void add_unknown(const std::string& directory, LocalProblem problem, std::string reason,
                   std::vector<LocalItem>& out) const;
  void clip(UnknownRange& unknown) const;
  bool in_range(const std::string& key) const;
  bool past_range(const std::string& key) const;

  base::FileSystem& files_;
  const LocalScanOptions options_;
  bool started_ = false;
  std::vector<Frame> frames_;
};

}  // namespace cloudsync::sync

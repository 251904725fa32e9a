// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sync/guard/own_places.h"
#include "sync/scan/model.h"

namespace cloudsync::sync {

// Which keys of a pair are files of the program itself or of its user's credentials, and
// so are neither sent nor replaced nor deleted on either side: by path, also when an
// editor replaces the file or the bucket alone has such a key, and by device and inode,
// for further names of the same file. Immutable; cheap to ask when no place lies in the
// pair.
class OwnFiles {
 public:
  OwnFiles() = default;
  // `folders` are where keys become paths: the root; for a bucket kept in a folder, the
  // prefix there too. Absolute, without symlinks.
  OwnFiles(const std::vector<OwnPlace>& places, const std::vector<std::string>& folders);

  // The whole pair lies in a folder of credentials.
  bool hold_everything() const { return everything_; }
  bool hold(std::string_view key) const;
  bool hold(const MergedItem& item) const;

 private:
  struct Held {
    std::string key;
    OwnPlace::Reach reach;
    bool exists;
  };
  void add(const std::string& path, OwnPlace::Reach reach,
           const std::vector<std::string>& folders);
  void add_inode(const std::string& path);

  std::vector<Held> held_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> inodes_;  // device, inode
  bool everything_ = false;
};

}  // namespace cloudsync::sync

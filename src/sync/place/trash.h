// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/file_system.h"

namespace cloudsync::sync {

// The same file and content as far as can be told after a rename or link, which move the
// ctime.
bool same_but_ctime(const base::FileStat& a, const base::FileStat& b);
std::string parent_path(const std::string& path);

// What stands between the root and a path.
struct Parents {
  bool blocked = false;              // something that is no directory has a parent's name
  std::vector<std::string> missing;  // "a/", "a/b/"
};
Parents inspect_parents(base::FileSystem& files, const std::string& path);

// Moves what `path` names to .cloudsync/trash/<run>/<key>, or below <run>~2, <run>~3 ...
// where that name is taken. Nothing when `path` is gone.
std::optional<std::string> move_to_trash(base::FileSystem& files, const std::string& run,
                                         const std::string& path, const std::string& key);
// Gives it a second name there. Throws Error{kUnsupported} where the file system has no
// links.
std::optional<std::string> link_to_trash(base::FileSystem& files, const std::string& run,
                                         const std::string& path, const std::string& key);
// True for the directory of this run and its overflow ones.
bool is_trash_of_run(const std::string& directory_name, const std::string& run);

}  // namespace cloudsync::sync

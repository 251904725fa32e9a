// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
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

struct TrashMove {
  base::RenameOutcome outcome = base::RenameOutcome::kDone;  // never kTargetExists
  std::string path;                                          // in the trash
};

// Moves what `path` names to <folder>/<key>, or below <folder>~2, <folder>~3 ... where
// that name is taken. `folder` belongs to this run.
TrashMove move_to_trash(base::FileSystem& files, const std::string& folder,
                        const std::string& path, const std::string& key);

// Folders of one run in a trash: <run> for what was deleted and for losers of conflicts,
// <run>~replaced for files that a newer version of themselves replaced, each with
// overflow folders "~2", "~3" ... behind it.
inline constexpr char kReplacedSuffix[] = "~replaced";
// True for the folders of this run.
bool is_trash_of_run(std::string_view folder_name, const std::string& run);
// True for those of all runs of the pair that `run` is one of, and of runs that named
// none. What another pair keeps in the same trash goes by that pair's retention.
bool is_trash_of_replica(std::string_view folder_name, const std::string& run);
// True for what cloudsync names a folder of replaced files, of whatever run.
bool holds_replaced(std::string_view folder_name);

}  // namespace cloudsync::sync

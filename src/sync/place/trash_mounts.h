// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/file_system.h"

namespace cloudsync::sync {

// Mounts below the root that have a trash of their own, noted in `.cloudsync/mounts` so
// that a later run empties them too.
void add_trash_mount(base::FileSystem& files, const std::string& top);

// The folders named .cloudsync/trash of this root: its own and those of its mounts. What
// is not there (now) is left out.
std::vector<std::string> trashes_of(base::FileSystem& files);

}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/file_system.h"

namespace cloudsync::sync {

// An empty tree for the dry run of a download whose root does not exist yet: nothing is
// ever there, and nothing can be written.
std::unique_ptr<base::FileSystem> make_absent_root(const std::string& path);

}  // namespace cloudsync::sync

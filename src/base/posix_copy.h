// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/posix_root.h"

namespace cloudsync::base {

// FileSystem::copy_file by the kernel alone; false, with nothing left behind, where it
// cannot do that.
bool copy_file_in(const PosixRoot& root, const std::string& from, const std::string& to);

// FileSystem::mount_top; contract there.
std::string mount_top_in(const PosixRoot& root, const std::string& path);

}  // namespace cloudsync::base

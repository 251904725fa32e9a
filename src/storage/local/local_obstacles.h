// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/file_system.h"
#include "storage/local/local_layout.h"

namespace cloudsync::storage::local {

// Something at a key, or at a folder on the way to it, that is neither a regular file nor
// a directory. The store cannot tell whether the owner of the bucket put it in place of
// an object, so that it is never taken for absent, followed, written to or removed.

// "is a symbolic link"; "" for regular files and directories.
std::string why_no_object(const base::FileStat& stat);

// What stands at `path` or above it, as a sentence; nothing when there is no obstacle.
std::optional<std::string> obstacle_on(int bucket, const std::string& path);

// Throws kAlreadyExists when something stands on the way to `path`.
void refuse_obstacle(const BucketFolder& folder, int bucket, const std::string& path);
[[noreturn]] void throw_obstacle(const std::string& sentence, const std::string& where);

}  // namespace cloudsync::storage::local

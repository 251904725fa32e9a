// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/file_system.h"
#include "base/posix_root.h"

namespace cloudsync::base {

// The directory `path` below `root`. Throws Error when it cannot be opened.
std::unique_ptr<Directory> open_posix_directory(std::shared_ptr<const PosixRoot> root,
                                                const std::string& path);

// stat through links that stay inside the root; nothing when the name dangles or leaves
// it. An absolute target counts as leaving.
std::optional<FileStat> stat_following_links(const PosixRoot& root,
                                             const std::string& path);

}  // namespace cloudsync::base

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/file_system.h"
#include "sync/transfer.h"

namespace cloudsync::sync {

// The metadata name under which `links: preserve` keeps a symlink's target on a zero-byte
// object.
inline constexpr char kSymlinkMetadata[] = "cs-symlink";

// True when a link of this target at `key` stays inside the root: relative, and never
// above it.
bool link_stays_inside(std::string_view key, std::string_view target);

// Where the downloaded object stands for a symlink that stays inside the root, its
// temporary file becomes that symlink. Others stay what they are: an empty file.
void replace_by_symlink(base::FileSystem& files, const std::string& key,
                        DownloadResult& result);

}  // namespace cloudsync::sync

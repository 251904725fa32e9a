// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/file_system.h"
#include "sync/transfer/transfer.h"

namespace cloudsync::sync {

// What a downloaded object is under `links: preserve`.
enum class LinkKind { kNone, kInside, kOutside };
LinkKind link_kind(std::string_view key, const DownloadResult& result);
// The temporary file becomes the symlink that the object (of kind kInside) stands for.
void replace_by_symlink(base::FileSystem& files, const DownloadResult& result);

}  // namespace cloudsync::sync

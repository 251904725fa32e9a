// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cloudsync/types.h"

namespace cloudsync::sync {

// The metadata names that other tools read: `mtime` as decimal seconds (rclone's form on
// S3) and `md5chksum` in base64 where the hash is known before the upload starts.
Metadata file_metadata(std::int64_t mtime_ns, const std::optional<Md5Digest>& md5);

// A preserved symlink is an empty object; its target travels percent-encoded, since
// metadata values are ASCII.
Metadata symlink_metadata(std::int64_t mtime_ns, std::string_view target);
std::optional<std::string> symlink_target(const Metadata& metadata);

// By the key's extension, in any case; "application/octet-stream" when it is not known.
std::string_view content_type_for(std::string_view key);

}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cloudsync/types.h"
#include "storage/object_store.h"

namespace cloudsync::storage {

// The metadata names that other tools read: `mtime` in the form rclone uses on that
// provider, `goog-reserved-file-mtime` for gsutil and gcloud, and `md5chksum` in base64
// where the hash is known before the upload starts.
Metadata file_metadata(MtimeStyle style, std::int64_t mtime_ns,
                       const std::optional<Md5Digest>& md5);

// Whole-content MD5 from metadata (md5chksum, base64); nothing when absent or malformed.
std::optional<Md5Digest> metadata_md5(const Metadata& metadata);
// What the writer left, which anybody who may write can set.
std::optional<Md5Digest> stored_md5(const ObjectInfo& info);
// The best MD5 that the description has: the service's own, else the writer's.
std::optional<Md5Digest> told_md5(const ObjectInfo& info);

// A preserved symlink is an empty object; its target travels percent-encoded, since
// metadata values are ASCII.
Metadata symlink_metadata(MtimeStyle style, std::int64_t mtime_ns,
                          std::string_view target);
std::optional<std::string> symlink_target(const Metadata& metadata);

}  // namespace cloudsync::storage

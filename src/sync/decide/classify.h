// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "base/kept_numbers.h"
#include "sync/decide/decide.h"
#include "sync/scan/model.h"

namespace cloudsync::sync {

struct ClassifyOptions {
  bool checksum = false;     // hash every file whatever stat says
  base::KeptNumbers kept{};  // by the root's file system
};

// What the local ladder can say without reading the file. kSuspect: stat differs in
// something that proves nothing (or the base is racy): hash, then ask
// local_change_by_hash().
enum class LocalLook {
  kUnchanged,
  kTouched,
  kModified,
  kDeleted,
  kAbsent,
  kCreated,
  kSuspect
};
LocalLook look_at_local(const std::optional<LocalEntry>& local,
                        const std::optional<BaseRow>& base,
                        const ClassifyOptions& options);
// After hashing a suspect: kUnchanged (only ctime/inode drifted or racy cleared),
// kTouched (mtime differs too) or kModified.
Change local_change_by_hash(const LocalEntry& local, const BaseRow& base,
                            const Md5Digest& md5,
                            const std::optional<Sha256Digest>& sha256);

// The remote ladder. kSuspect: token differs, size is equal and the listing has no
// trusted hash: HEAD, then ask again with the HEAD's info (which never answers kSuspect:
// unknown = modified).
enum class RemoteLook {
  kUnchanged,
  kTouched,
  kModified,
  kDeleted,
  kAbsent,
  kCreated,
  kSuspect
};
// Whether the object is the very version of the base, not the same bytes written again.
bool is_same_version(const storage::ObjectInfo& object, const BaseRow& base);

RemoteLook look_at_remote(const std::optional<RemoteEntry>& remote,
                          const std::optional<BaseRow>& base, bool from_head);

// The listing confirms a base row whose r_mtime was only the Date of our write's
// response: store the exact time and clear kBaseProvisional.
bool settles_provisional(const RemoteEntry& remote, const BaseRow& base);

// The object's mtime metadata in any of the known conventions (mtime as decimal seconds
// or RFC 3339, goog-reserved-file-mtime, modtime in ns, s3cmd-attrs); nothing when there
// is none.
std::optional<std::int64_t> metadata_mtime_ns(const Metadata& metadata);

// For timestamp_wins: local mtime against the remote's, both ns; `server_offset_ns` =
// server clock minus ours as measured from Date headers.
Newer newer_side(std::int64_t local_mtime_ns, std::int64_t remote_time_ns,
                 bool remote_is_metadata, std::int64_t server_offset_ns,
                 std::int64_t now_ns);

}  // namespace cloudsync::sync

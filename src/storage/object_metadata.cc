// SPDX-License-Identifier: Apache-2.0
#include "storage/object_metadata.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/time_format.h"

namespace cloudsync::storage {
namespace {

constexpr char kMtimeName[] = "mtime";
constexpr char kMd5Name[] = "md5chksum";
constexpr char kGoogleMtimeName[] = "goog-reserved-file-mtime";
// Azure takes only C# identifiers, so no hyphen.
constexpr char kSymlinkName[] = "cs_symlink";
constexpr std::int64_t kSecond = 1'000'000'000;
// Towards the past, so that the fraction is never negative.
std::int64_t whole_seconds(std::int64_t time_ns) {
  return time_ns / kSecond - (time_ns % kSecond < 0 ? 1 : 0);
}

}  // namespace

Metadata file_metadata(MtimeStyle style, std::int64_t mtime_ns,
                       const std::optional<Md5Digest>& md5) {
  Metadata metadata;
  metadata.emplace(kMtimeName, style == MtimeStyle::kDecimalSeconds
                                   ? base::format_decimal_seconds(mtime_ns)
                                   : base::format_rfc3339(mtime_ns));
  if (style == MtimeStyle::kRfc3339AndSeconds) {
    metadata.emplace(kGoogleMtimeName, std::to_string(whole_seconds(mtime_ns)));
  }
  if (md5) metadata.emplace(kMd5Name, base::to_base64(*md5));
  return metadata;
}

std::optional<Md5Digest> metadata_md5(const Metadata& metadata) {
  const auto found = metadata.find(kMd5Name);
  if (found == metadata.end()) return std::nullopt;
  const auto bytes = base::from_base64(found->second);
  Md5Digest md5{};
  if (!bytes || bytes->size() != md5.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), md5.begin());
  return md5;
}

std::optional<Md5Digest> stored_md5(const ObjectInfo& info) {
  if (info.stored_md5) return info.stored_md5;
  return info.metadata ? metadata_md5(*info.metadata) : std::nullopt;
}

std::optional<Md5Digest> told_md5(const ObjectInfo& info) {
  return info.md5 ? info.md5 : stored_md5(info);
}

Metadata symlink_metadata(MtimeStyle style, std::int64_t mtime_ns,
                          std::string_view target) {
  Metadata metadata = file_metadata(style, mtime_ns, std::nullopt);
  metadata.emplace(kSymlinkName, base::percent_encode(target, true));
  return metadata;
}

std::optional<std::string> symlink_target(const Metadata& metadata) {
  const auto found = metadata.find(kSymlinkName);
  if (found == metadata.end()) return std::nullopt;
  return base::percent_decode(found->second);
}

}  // namespace cloudsync::storage

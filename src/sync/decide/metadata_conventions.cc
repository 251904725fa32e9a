// SPDX-License-Identifier: Apache-2.0
// What other tools write about a file beside its bytes.
#include <algorithm>
#include <charconv>
#include <string_view>

#include "base/time_format.h"
#include "base/time_range.h"
#include "sync/decide/classify.h"

namespace cloudsync::sync {
namespace {

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::int64_t> seconds_to_ns(std::optional<std::int64_t> seconds) {
  return seconds ? base::time_of_seconds(*seconds) : std::nullopt;
}

std::optional<std::string_view> value_of(const Metadata& metadata,
                                         const std::string& name) {
  const auto found = metadata.find(name);
  if (found == metadata.end()) return std::nullopt;
  return found->second;
}

// rclone and s3fs on S3: seconds; rclone on GCS and Azure: RFC 3339.
std::optional<std::int64_t> rclone_mtime(std::string_view text) {
  if (const auto seconds = base::parse_decimal_seconds(text)) return seconds;
  return base::parse_rfc3339(text);
}

// gsutil writes -1 for "not available".
std::optional<std::int64_t> gsutil_mtime(std::string_view text) {
  const auto seconds = parse_integer(text);
  if (seconds == -1) return std::nullopt;
  return seconds_to_ns(seconds);
}

// s3cmd: "atime:N/ctime:N/.../mtime:N/uid:N".
std::optional<std::int64_t> s3cmd_mtime(std::string_view text) {
  constexpr std::string_view kField = "mtime:";
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('/'), text.size());
    const std::string_view field = text.substr(0, end);
    if (field.starts_with(kField)) {
      return seconds_to_ns(parse_integer(field.substr(kField.size())));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return std::nullopt;
}

// azcopy: integer nanoseconds.
std::optional<std::int64_t> azcopy_mtime(std::string_view text) {
  return parse_integer(text);
}

struct Convention {
  const char* name;
  std::optional<std::int64_t> (*parse)(std::string_view);
};

constexpr Convention kConventions[] = {
    {"mtime", rclone_mtime},
    {"goog-reserved-file-mtime", gsutil_mtime},
    {"modtime", azcopy_mtime},
    {"s3cmd-attrs", s3cmd_mtime},
};

}  // namespace

std::optional<std::int64_t> metadata_mtime_ns(const Metadata& metadata) {
  for (const Convention& convention : kConventions) {
    const auto text = value_of(metadata, convention.name);
    if (!text) continue;
    if (const auto time = convention.parse(*text)) return time;
  }
  return std::nullopt;
}

}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
#include "storage/gcs/gcs_media.h"

#include "base/time_format.h"
#include "http/ascii.h"
#include "storage/gcs/gcs_values.h"
#include "storage/rest/body_checks.h"
#include "storage/rest/header_values.h"

#include <string>
#include <string_view>

namespace cloudsync::storage::gcs {
namespace {

constexpr std::string_view kMetadataPrefix = "x-goog-meta-";
constexpr std::string_view kHash = "x-goog-hash";
constexpr std::string_view kGeneration = "x-goog-generation";

using rest::text_header;
using rest::unreadable;

std::optional<std::uint64_t> number_header(const http::HttpResponse& response,
                                           std::string_view name) {
  return parse_number(response.header(name).value_or(""));
}

// Content-Length is that of the range, and of the unpacked body where one was unpacked.
std::optional<std::uint64_t> whole_size(const http::HttpResponse& response) {
  if (const auto stored = number_header(response, "x-goog-stored-content-length"))
    return stored;
  if (const auto range = rest::content_range(response)) return range->total;
  if (response.status != 200) return std::nullopt;
  return number_header(response, "content-length");
}

void read_hash(std::string_view item, ObjectInfo& info) {
  item = http::trim(item);
  if (item.starts_with("crc32c=")) info.crc32c = parse_crc32c(item.substr(7));
  if (item.starts_with("md5=")) info.md5 = parse_md5(item.substr(4));
}

// One header with both, or one header each.
void read_hashes(std::string_view list, ObjectInfo& info) {
  for (;;) {
    const std::size_t comma = list.find(',');
    read_hash(list.substr(0, comma), info);
    if (comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

std::string encoding(const http::HttpResponse& response, std::string_view name) {
  const std::string value = text_header(response, name);
  return value.empty() ? "identity" : value;
}

// Sizes, ranges and hashes are those of the stored bytes.
void check_as_stored(const http::HttpResponse& response) {
  if (!response.header("x-goog-stored-content-encoding")) return;
  if (encoding(response, "x-goog-stored-content-encoding") ==
      encoding(response, "content-encoding")) {
    return;
  }
  throw Error(ErrorCode::kUnsupported,
              "the server or a proxy packed or unpacked the object on the way");
}

}  // namespace

bool names_generation(const http::HttpResponse& response) {
  return response.header(kGeneration).has_value();
}

ObjectInfo media_info(const http::HttpResponse& response, const ObjectKey& key) {
  ObjectInfo info;
  info.key = key;
  const auto size = whole_size(response);
  if (!size) unreadable("no size");
  info.size = rest::checked_size(*size);
  info.token.value = text_header(response, kGeneration);
  const bool named = !info.token.value.empty();
  if (named && !is_generation(info.token.value))
    unreadable("no valid x-goog-generation header");
  info.version_id = info.token.value;
  const auto modified = response.header("last-modified");
  info.last_modified_ns =
      base::parse_http_date(modified.value_or("")).value_or(std::int64_t{0});
  info.storage_class = text_header(response, "x-goog-storage-class");
  info.content_type = text_header(response, "content-type");
  for (const auto& [name, value] : response.headers) {
    if (name == kHash) read_hashes(value, info);
    if (!name.starts_with(kMetadataPrefix)) continue;
    if (!info.metadata) info.metadata.emplace();
    (*info.metadata)[name.substr(kMetadataPrefix.size())] = value;
  }
  return info;
}

void check_media(const GetRequest& request, const http::HttpResponse& response) {
  if (request.range) rest::check_range(*request.range, response);
  if (request.if_match && names_generation(response)) {
    rest::check_version(text_header(response, kGeneration), *request.if_match);
  }
  check_as_stored(response);
}

std::uint64_t persisted_bytes(const http::HttpResponse& response) {
  const auto header = response.header("range");
  if (!header) return 0;
  std::string_view range = *header;
  if (range.starts_with("bytes=")) range.remove_prefix(6);
  const auto last =
      range.starts_with("0-") ? parse_number(range.substr(2)) : std::nullopt;
  if (!last || *last >= 1ULL << 62) unreadable("a Range header that is none");
  // Some emulators say 0-0 for nothing. The service keeps multiples of 256 KiB, and bytes
  // that are sent again are ignored.
  return *last == 0 ? 0 : *last + 1;
}

}  // namespace cloudsync::storage::gcs

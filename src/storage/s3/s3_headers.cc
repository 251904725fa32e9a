// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/s3_headers.h"

#include "base/time_format.h"
#include "cloudsync/error.h"

#include <algorithm>
#include <charconv>

namespace cloudsync::storage::s3 {
namespace {

constexpr std::string_view kMetadataPrefix = "x-amz-meta-";

std::optional<std::uint64_t> parse_number(std::string_view digits) {
  std::uint64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto result = std::from_chars(digits.data(), end, value);
  if (result.ec != std::errc{} || result.ptr != end) return std::nullopt;
  return value;
}

std::string text_header(const http::HttpResponse& response, std::string_view name) {
  return std::string(response.header(name).value_or(""));
}

// With KMS or customer keys the ETag looks like an MD5 and is not one.
bool etag_may_be_md5(const http::HttpResponse& response) {
  const auto encryption = response.header("x-amz-server-side-encryption");
  if (encryption && *encryption != "AES256") return false;
  return !response.header("x-amz-server-side-encryption-customer-algorithm").has_value();
}

std::optional<Md5Digest> md5_from_base64(std::string_view text) {
  const auto bytes = base::from_base64(text);
  Md5Digest digest;
  if (!bytes || bytes->size() != digest.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), digest.begin());
  return digest;
}

std::optional<Md5Digest> vouched_md5(const http::HttpResponse& response,
                                     const ObjectInfo& info) {
  if (etag_may_be_md5(response)) {
    if (const auto digest = md5_from_etag(info.token.value)) return digest;
  }
  const auto stored = info.metadata->find("md5chksum");
  return stored == info.metadata->end() ? std::nullopt : md5_from_base64(stored->second);
}

Metadata user_metadata(const http::HttpResponse& response) {
  Metadata metadata;
  for (const auto& [name, value] : response.headers) {
    if (name.starts_with(kMetadataPrefix)) {
      metadata.emplace(name.substr(kMetadataPrefix.size()), value);
    }
  }
  return metadata;
}

bool is_archived(const http::HttpResponse& response, const std::string& storage_class) {
  const auto restore = response.header("x-amz-restore");
  const bool restored =
      restore && restore->find("ongoing-request=\"false\"") != std::string_view::npos;
  if (restored) return false;
  if (storage_class == "INTELLIGENT_TIERING") {
    return response.header("x-amz-archive-status").has_value();
  }
  return is_archive_class(storage_class);
}

std::optional<std::uint64_t> whole_size(const http::HttpResponse& response) {
  if (const auto range = content_range(response)) return range->total;
  if (const auto length = response.header("content-length")) return parse_number(*length);
  // Chunked answers carry no length; the body has been counted by then.
  return response.status == 200 && response.header("transfer-encoding")
             ? std::optional(response.streamed_bytes)
             : std::nullopt;
}

// The checksums of a range are those of the range, those of type COMPOSITE are of part
// checksums.
void fill_checksums(const http::HttpResponse& response, ObjectInfo& info) {
  if (response.status == 206) return;
  if (response.header("x-amz-checksum-type").value_or("") == "COMPOSITE") return;
  if (const auto crc = response.header("x-amz-checksum-crc64nvme")) {
    info.crc64nvme = big_endian_base64<std::uint64_t>(*crc);
  }
  if (const auto crc = response.header("x-amz-checksum-crc32c")) {
    info.crc32c = big_endian_base64<std::uint32_t>(*crc);
  }
}

template <class Value>
Value required(const std::optional<Value>& value, const char* name) {
  if (!value) {
    throw Error(ErrorCode::kUnavailable,
                std::string("unreadable answer: no valid ") + name + " header");
  }
  return *value;
}

// Larger numbers mean nothing and would overflow on their way to other units.
std::int64_t within_a_day(std::uint64_t number) {
  constexpr std::uint64_t kDayMs = 86'400'000;
  return static_cast<std::int64_t>(std::min(number, kDayMs));
}

std::optional<std::chrono::milliseconds> retry_after(const http::HttpResponse& response) {
  if (const auto text = response.header("x-amz-retry-after")) {
    if (const auto ms = parse_number(*text))
      return std::chrono::milliseconds(within_a_day(*ms));
  }
  if (const auto text = response.header("retry-after")) {
    if (const auto seconds = parse_number(*text)) {
      return std::chrono::seconds(within_a_day(*seconds));
    }
  }
  return std::nullopt;
}

}  // namespace

std::string unquoted_etag(std::string_view etag) {
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') {
    etag = etag.substr(1, etag.size() - 2);
  }
  return std::string(etag);
}

std::optional<Md5Digest> md5_from_etag(std::string_view etag) {
  if (etag.size() != 32) return std::nullopt;
  const auto bytes = base::from_hex(etag);
  if (!bytes) return std::nullopt;
  Md5Digest digest;
  std::copy(bytes->begin(), bytes->end(), digest.begin());
  return digest;
}

bool is_archive_class(std::string_view storage_class) {
  return storage_class == "GLACIER" || storage_class == "DEEP_ARCHIVE";
}

std::optional<ContentRange> content_range(const http::HttpResponse& response) {
  std::string_view text = response.header("content-range").value_or("");
  if (!text.starts_with("bytes ")) return std::nullopt;
  text.remove_prefix(6);
  const std::size_t dash = text.find('-');
  const std::size_t slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || dash > slash) {
    return std::nullopt;
  }
  const auto first = parse_number(text.substr(0, dash));
  const auto last = parse_number(text.substr(dash + 1, slash - dash - 1));
  const auto total = parse_number(text.substr(slash + 1));
  if (!first || !last || !total) return std::nullopt;
  return ContentRange{*first, *last, *total};
}

ObjectInfo object_info(const http::HttpResponse& response, const ObjectKey& key) {
  ObjectInfo info;
  info.key = key;
  info.size = required(whole_size(response), "Content-Length");
  info.token.value = unquoted_etag(required(response.header("etag"), "ETag"));
  info.version_id = text_header(response, "x-amz-version-id");
  const auto modified = response.header("last-modified");
  info.last_modified_ns = required(
      base::parse_http_date(required(modified, "Last-Modified")), "Last-Modified");
  info.storage_class = text_header(response, "x-amz-storage-class");
  info.archived = is_archived(response, info.storage_class);
  info.content_type = text_header(response, "content-type");
  info.metadata = user_metadata(response);
  info.md5 = vouched_md5(response, info);
  fill_checksums(response, info);
  return info;
}

PutResult put_result(const http::HttpResponse& response, std::string_view etag,
                     std::int64_t now_ns) {
  PutResult result;
  result.token.value = unquoted_etag(etag);
  if (result.token.value.empty()) {
    // Without its token the object cannot be told from another writer's.
    throw Error(ErrorCode::kUnavailable, "unreadable answer: no valid ETag header");
  }
  result.version_id = text_header(response, "x-amz-version-id");
  const auto date = base::parse_http_date(response.header("date").value_or(""));
  result.last_modified_ns = date.value_or(now_ns);
  if (etag_may_be_md5(response)) result.md5 = md5_from_etag(result.token.value);
  return result;
}

PutResult put_outcome(Outcome outcome) {
  PutResult result;
  result.outcome = outcome;
  return result;
}

ServiceFailure failure_from_headers(const http::HttpResponse& response) {
  ServiceFailure failure;
  failure.status = response.status;
  failure.request_id = text_header(response, "x-amz-request-id");
  failure.region = text_header(response, "x-amz-bucket-region");
  failure.server_time_ns = base::parse_http_date(response.header("date").value_or(""));
  failure.retry_after = retry_after(response);
  const std::string_view range = response.header("content-range").value_or("");
  if (response.status == 416 && range.starts_with("bytes */")) {
    failure.object_size = parse_number(range.substr(8));
  }
  return failure;
}

}  // namespace cloudsync::storage::s3

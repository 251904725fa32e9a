// SPDX-License-Identifier: Apache-2.0
#include "storage/azure/azure_headers.h"

#include "base/encoding.h"
#include "base/time_format.h"
#include "cloudsync/error.h"
#include "storage/azure/azure_names.h"
#include "storage/azure/azure_wire.h"

#include <algorithm>
#include <charconv>

namespace cloudsync::storage::azure {
namespace {

constexpr std::string_view kMetadataPrefix = "x-ms-meta-";
constexpr char kFolderFlag[] = "hdi_isfolder";

std::string text_header(const http::HttpResponse& response, std::string_view name) {
  return std::string(response.header(name).value_or(""));
}

template <class Value>
Value required(const std::optional<Value>& value, const char* name) {
  if (!value) {
    throw Error(ErrorCode::kUnavailable,
                std::string("unreadable answer: no valid ") + name + " header");
  }
  return *value;
}

Metadata user_metadata(const http::HttpResponse& response) {
  Metadata metadata;
  for (const auto& [name, value] : response.headers) {
    const std::string lower = lower_case(name);
    if (!lower.starts_with(kMetadataPrefix)) continue;
    metadata.emplace(lower.substr(kMetadataPrefix.size()), value);
  }
  return metadata;
}

// Content-MD5 of a range is the range's.
std::optional<Md5Digest> whole_md5(const http::HttpResponse& response) {
  if (const auto md5 = response.header("x-ms-blob-content-md5"))
    return md5_from_base64(*md5);
  if (response.status == 206) return std::nullopt;
  return md5_from_base64(response.header("content-md5").value_or(""));
}

std::optional<std::uint64_t> whole_size(const http::HttpResponse& response) {
  if (const auto range = content_range(response)) return range->total;
  if (const auto length = response.header("content-length")) return parse_number(*length);
  // Chunked answers carry no length; the body has been counted by then.
  return response.status == 200 && response.header("transfer-encoding")
             ? std::optional(response.streamed_bytes)
             : std::nullopt;
}

// The account's own tier is reported as inferred.
std::string tier_of(const http::HttpResponse& response) {
  if (response.header("x-ms-access-tier-inferred").value_or("") == "true") return "";
  return text_header(response, "x-ms-access-tier");
}

// Larger numbers mean nothing and would overflow on their way to other units.
std::int64_t within_a_day(std::uint64_t number) {
  constexpr std::uint64_t kDayMs = 86'400'000;
  return static_cast<std::int64_t>(std::min(number, kDayMs));
}

std::optional<std::chrono::milliseconds> retry_after(const http::HttpResponse& response) {
  for (const char* name : {"retry-after-ms", "x-ms-retry-after-ms"}) {
    const auto ms = parse_number(response.header(name).value_or(""));
    if (ms) return std::chrono::milliseconds(within_a_day(*ms));
  }
  const std::string_view text = response.header("retry-after").value_or("");
  if (const auto seconds = parse_number(text)) {
    return std::chrono::milliseconds(within_a_day(*seconds) * 1000);
  }
  const auto at = base::parse_http_date(text);
  const auto now = base::parse_http_date(response.header("date").value_or(""));
  if (!at || !now || *at <= *now) return std::nullopt;
  const auto ms = static_cast<std::uint64_t>((*at - *now) / 1'000'000);
  return std::chrono::milliseconds(within_a_day(ms));
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view digits) {
  std::uint64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto result = std::from_chars(digits.data(), end, value);
  if (result.ec != std::errc{} || result.ptr != end) return std::nullopt;
  return value;
}

std::optional<Md5Digest> md5_from_base64(std::string_view text) {
  const auto bytes = base::from_base64(text);
  Md5Digest digest;
  if (!bytes || bytes->size() != digest.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), digest.begin());
  return digest;
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
  if (copy_state(response).status == "pending") {
    throw Error(ErrorCode::kUnavailable,
                "a server-side copy into this blob has not ended");
  }
  ObjectInfo info;
  info.key = key;
  info.size = required(whole_size(response), "Content-Length");
  info.token.value = unquoted(required(response.header("etag"), "ETag"));
  if (info.token.value.empty()) required(std::optional<int>(), "ETag");
  info.version_id = text_header(response, "x-ms-version-id");
  const auto modified = response.header("last-modified");
  info.last_modified_ns = required(
      base::parse_http_date(required(modified, "Last-Modified")), "Last-Modified");
  info.storage_class = tier_of(response);
  info.archived = info.storage_class == "Archive";
  info.content_type = text_header(response, "content-type");
  info.metadata = user_metadata(response);
  info.md5 = whole_md5(response);
  return info;
}

bool is_directory(const ObjectInfo& info) {
  if (!info.metadata || info.size != 0 || info.key.value.ends_with('/')) return false;
  const auto flag = info.metadata->find(kFolderFlag);
  return flag != info.metadata->end() && lower_case(flag->second) == "true";
}

PutResult put_result(const http::HttpResponse& response, std::int64_t now_ns) {
  PutResult result;
  result.token.value = unquoted(response.header("etag").value_or(""));
  // Without its token the blob cannot be told from another writer's.
  if (result.token.value.empty()) required(std::optional<int>(), "ETag");
  result.version_id = text_header(response, "x-ms-version-id");
  const auto modified =
      base::parse_http_date(response.header("last-modified").value_or(""));
  const auto date = base::parse_http_date(response.header("date").value_or(""));
  result.last_modified_ns = modified.value_or(date.value_or(now_ns));
  result.last_modified_exact = modified.has_value();
  return result;
}

PutResult put_outcome(Outcome outcome) {
  PutResult result;
  result.outcome = outcome;
  return result;
}

CopyState copy_state(const http::HttpResponse& response) {
  return {text_header(response, "x-ms-copy-id"),
          text_header(response, "x-ms-copy-status"),
          text_header(response, "x-ms-copy-status-description")};
}

ServiceFailure failure_from_headers(const http::HttpResponse& response) {
  ServiceFailure failure;
  failure.status = response.status;
  failure.code = text_header(response, "x-ms-error-code");
  failure.request_id = text_header(response, "x-ms-request-id");
  failure.server_time_ns = base::parse_http_date(response.header("date").value_or(""));
  failure.retry_after = retry_after(response);
  return failure;
}

}  // namespace cloudsync::storage::azure

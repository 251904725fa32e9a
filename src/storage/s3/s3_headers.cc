// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/s3_headers.h"

#include "base/encoding.h"
#include "base/time_format.h"
#include "cloudsync/error.h"

#include <algorithm>

namespace cloudsync::storage::s3 {
namespace {

using rest::big_endian_base64;
using rest::required;
using rest::text_header;
using rest::unquoted;

constexpr std::string_view kMetadataPrefix = "x-amz-meta-";

// With KMS or customer keys the ETag looks like an MD5 and is not one.
bool etag_may_be_md5(const http::HttpResponse& response) {
  const auto encryption = response.header("x-amz-server-side-encryption");
  if (encryption && *encryption != "AES256") return false;
  return !response.header("x-amz-server-side-encryption-customer-algorithm").has_value();
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

}  // namespace

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

ObjectInfo object_info(const http::HttpResponse& response, const ObjectKey& key) {
  ObjectInfo info;
  info.key = key;
  info.size = rest::checked_size(required(rest::whole_size(response), "Content-Length"));
  info.token.value = unquoted(required(response.header("etag"), "ETag"));
  info.version_id = text_header(response, "x-amz-version-id");
  const auto modified = response.header("last-modified");
  info.last_modified_ns = required(
      base::parse_http_date(required(modified, "Last-Modified")), "Last-Modified");
  info.storage_class = text_header(response, "x-amz-storage-class");
  info.archived = is_archived(response, info.storage_class);
  info.content_type = text_header(response, "content-type");
  info.served = {text_header(response, "cache-control"),
                 text_header(response, "content-disposition"),
                 text_header(response, "content-language")};
  if (const auto count = response.header("x-amz-tagging-count"))
    info.tag_count = rest::parse_number(*count);
  info.metadata = user_metadata(response);
  if (etag_may_be_md5(response)) info.md5 = md5_from_etag(info.token.value);
  fill_checksums(response, info);
  return info;
}

PutResult put_result(const http::HttpResponse& response, std::string_view etag,
                     std::int64_t now_ns) {
  PutResult result;
  result.token.value = unquoted(etag);
  if (result.token.value.empty()) {
    // Without its token the object cannot be told from another writer's.
    rest::unreadable("no valid ETag header");
  }
  result.version_id = text_header(response, "x-amz-version-id");
  const auto date = rest::server_time_ns(response);
  result.last_modified_ns = date.value_or(now_ns);
  if (etag_may_be_md5(response)) result.md5 = md5_from_etag(result.token.value);
  return result;
}

ServiceFailure failure_from_headers(const http::HttpResponse& response) {
  ServiceFailure failure;
  failure.status = response.status;
  failure.request_id = text_header(response, "x-amz-request-id");
  failure.region = text_header(response, "x-amz-bucket-region");
  failure.server_time_ns = rest::server_time_ns(response);
  failure.retry_after = rest::retry_after(response, {"x-amz-retry-after"});
  const std::string_view range = response.header("content-range").value_or("");
  if (response.status == 416 && range.starts_with("bytes */")) {
    failure.object_size = rest::parse_number(range.substr(8));
  }
  return failure;
}

}  // namespace cloudsync::storage::s3

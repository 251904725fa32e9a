// SPDX-License-Identifier: Apache-2.0
#include "storage/azure/azure_headers.h"

#include "base/time_format.h"
#include "cloudsync/error.h"
#include "storage/azure/azure_names.h"
#include "storage/azure/azure_wire.h"

namespace cloudsync::storage::azure {
namespace {

using rest::required;
using rest::text_header;

constexpr std::string_view kMetadataPrefix = "x-ms-meta-";
constexpr char kFolderFlag[] = "hdi_isfolder";

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

// The account's own tier is reported as inferred.
std::string tier_of(const http::HttpResponse& response) {
  if (response.header("x-ms-access-tier-inferred").value_or("") == "true") return "";
  return text_header(response, "x-ms-access-tier");
}

}  // namespace

ObjectInfo object_info(const http::HttpResponse& response, const ObjectKey& key) {
  if (copy_state(response).status == "pending") {
    throw Error(ErrorCode::kUnavailable,
                "a server-side copy into this blob has not ended");
  }
  ObjectInfo info;
  info.key = key;
  info.size = rest::checked_size(required(rest::whole_size(response), "Content-Length"));
  info.token.value = unquoted(required(response.header("etag"), "ETag"));
  if (info.token.value.empty()) rest::unreadable("no valid ETag header");
  info.version_id = text_header(response, "x-ms-version-id");
  const auto modified = response.header("last-modified");
  info.last_modified_ns = required(
      base::parse_http_date(required(modified, "Last-Modified")), "Last-Modified");
  info.storage_class = tier_of(response);
  info.archived = info.storage_class == "Archive";
  info.content_type = text_header(response, "content-type");
  info.served = {text_header(response, "cache-control"),
                 text_header(response, "content-disposition"),
                 text_header(response, "content-language")};
  info.tag_count = parse_number(response.header("x-ms-tag-count").value_or("0"));
  info.metadata = user_metadata(response);
  info.stored_md5 = whole_md5(response);
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
  if (result.token.value.empty()) rest::unreadable("no valid ETag header");
  result.version_id = text_header(response, "x-ms-version-id");
  const auto modified =
      base::parse_http_date(response.header("last-modified").value_or(""));
  const auto date = rest::server_time_ns(response);
  result.last_modified_ns = modified.value_or(date.value_or(now_ns));
  result.last_modified_exact = modified.has_value();
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
  failure.server_time_ns = rest::server_time_ns(response);
  failure.retry_after =
      rest::retry_after(response, {"retry-after-ms", "x-ms-retry-after-ms"});
  return failure;
}

}  // namespace cloudsync::storage::azure

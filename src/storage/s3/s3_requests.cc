// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/s3_requests.h"

#include "base/encoding.h"
#include "cloudsync/error.h"
#include "hash/digest.h"
#include "storage/rest/object_tags.h"
#include "storage/s3/s3_wire.h"

#include <algorithm>
#include <array>

namespace cloudsync::storage::s3 {
namespace {

// Complete copies nothing but may take minutes to answer, with nothing but blanks in
// between.
bool is_printable_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= 0x20 && c < 0x7f; });
}

bool is_header_token(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  });
}

// The service would hand back other values re-encoded in ways that differ by server.
void add_metadata(S3Request& out, const Metadata& metadata) {
  for (const auto& [name, value] : metadata) {
    if (!is_header_token(name) || !is_printable_ascii(value)) {
      throw Error(ErrorCode::kInvalidArgument,
                  "metadata '" + base::printable(name) +
                      "': S3 carries only lower-case names and printable ASCII values");
    }
    out.headers.emplace_back("x-amz-meta-" + name, value);
  }
}

void add_text(S3Request& out, const char* header, const std::string& value) {
  if (value.empty()) return;
  if (!is_printable_ascii(value)) {
    throw Error(ErrorCode::kInvalidArgument,
                std::string(header) + " '" + base::printable(value) + "' is not ASCII");
  }
  out.headers.emplace_back(header, value);
}

Md5Digest md5_of(const std::string& text) {
  return hash::Md5::of(std::as_bytes(std::span(text)));
}

bool is_plain_component(std::string_view component) {
  return !component.empty() && component != "." && component != "..";
}

std::string delete_xml(std::span<const DeleteRequest* const> requests, bool conditional) {
  std::string xml = "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (const DeleteRequest* request : requests) {
    xml += "<Object>";
    append_element(xml, "Key", request->key.value);
    if (conditional && request->if_match) {
      append_element(xml, "ETag", quoted(request->if_match->value));
    }
    xml += "</Object>";
  }
  xml += "<Quiet>false</Quiet></Delete>";
  return xml;
}

}  // namespace

// One slash at the end is a folder marker's.
bool is_plain_path(std::string_view key) {
  if (key.ends_with('/')) key.remove_suffix(1);
  while (true) {
    const std::size_t slash = key.find('/');
    if (!is_plain_component(key.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    key.remove_prefix(slash + 1);
  }
}

void RequestBuilder::require_plain(const ObjectKey& key) const {
  if (defaults_.capabilities.declared || is_plain_path(key.value)) return;
  throw Error(
      ErrorCode::kInvalidArgument,
      "the key '" + base::printable(key.value) +
          "' has an empty, '.' or '..' component, which S3-compatible servers may "
          "take for a path to another object; only AWS gets such keys written");
}

S3Request RequestBuilder::list(const ListRequest& request) const {
  S3Request out = make_request({"ListObjectsV2", "s3:ListBucket"}, "GET");
  out.max_body_bytes = rest::kMostPageBytes;
  // XML 1.0 cannot carry control characters, hence the encoding.
  out.query = {{"list-type", "2"}, {"encoding-type", "url"}};
  out.query.emplace_back("max-keys", std::to_string(request.max_keys));
  if (!request.prefix.empty()) out.query.emplace_back("prefix", request.prefix);
  if (!request.delimiter.empty()) out.query.emplace_back("delimiter", request.delimiter);
  if (!request.page_token.empty()) {
    out.query.emplace_back("continuation-token", request.page_token);
  } else if (!request.start_after.empty()) {
    out.query.emplace_back("start-after", request.start_after);
  }
  if (defaults_.capabilities.declared) {
    out.headers.emplace_back("x-amz-optional-object-attributes", "RestoreStatus");
  }
  return out;
}

S3Request RequestBuilder::head(const ObjectKey& key,
                               const std::optional<VersionToken>& if_match) const {
  S3Request out = make_object_request({"HeadObject", "s3:GetObject"}, "HEAD", key);
  out.headers.emplace_back("x-amz-checksum-mode", "ENABLED");
  if (if_match) out.headers.emplace_back("if-match", quoted(if_match->value));
  add_customer_key(out.headers, defaults_.encryption);
  return out;
}

S3Request RequestBuilder::get(const GetRequest& request) const {
  S3Request out = make_object_request({"GetObject", "s3:GetObject"}, "GET", request.key);
  out.fresh_connection = request.fresh_connection;
  if (request.range) out.headers.emplace_back("range", byte_range(*request.range));
  if (request.if_match)
    out.headers.emplace_back("if-match", quoted(request.if_match->value));
  if (!request.version_id.empty())
    out.query.emplace_back("versionId", request.version_id);
  out.headers.emplace_back("x-amz-checksum-mode", "ENABLED");
  add_customer_key(out.headers, defaults_.encryption);
  return out;
}

void RequestBuilder::add_storage_class(S3Request& out,
                                       const std::string& storage_class) const {
  const std::string& chosen =
      storage_class.empty() ? defaults_.storage_class : storage_class;
  if (!chosen.empty()) out.headers.emplace_back("x-amz-storage-class", chosen);
}

template <class Request>
void RequestBuilder::add_object_headers(S3Request& out, const Request& request) const {
  add_text(out, "content-type", request.content_type);
  add_text(out, "cache-control", request.served.cache_control);
  add_text(out, "content-disposition", request.served.content_disposition);
  add_text(out, "content-language", request.served.content_language);
  if (!request.tags.empty())
    out.headers.emplace_back("x-amz-tagging", rest::tags_query(request.tags));
  add_storage_class(out, request.storage_class);
  add_encryption(out.headers, defaults_.encryption);
  add_metadata(out, request.metadata);
}

S3Request RequestBuilder::get_tags(const ObjectKey& key) const {
  S3Request out =
      make_object_request({"GetObjectTagging", "s3:GetObjectTagging"}, "GET", key);
  out.query = {{"tagging", ""}};
  return out;
}

S3Request RequestBuilder::put(const PutRequest& request) const {
  S3Request out = make_object_request({"PutObject", "s3:PutObject"}, "PUT", request.key);
  require_plain(request.key);
  out.headers.reserve(8 + request.metadata.size());
  add_condition(out, request.condition);
  add_checksums(out, request);
  add_object_headers(out, request);
  out.sha256 = request.sha256;
  return out;
}

S3Request RequestBuilder::begin_upload(const BeginUploadRequest& request) const {
  S3Request out =
      make_object_request({"CreateMultipartUpload", "s3:PutObject"}, "POST", request.key);
  require_plain(request.key);
  out.query = {{"uploads", ""}};
  add_object_headers(out, request);
  if (defaults_.capabilities.crc64nvme) {
    out.headers.emplace_back("x-amz-checksum-algorithm", "CRC64NVME");
    out.headers.emplace_back("x-amz-checksum-type", "FULL_OBJECT");
  }
  return out;
}

S3Request RequestBuilder::remove(const DeleteRequest& request) const {
  S3Request out =
      make_object_request({"DeleteObject", "s3:DeleteObject"}, "DELETE", request.key);
  require_plain(request.key);
  if (request.if_match && defaults_.capabilities.conditional_delete) {
    out.headers.emplace_back("if-match", quoted(request.if_match->value));
  }
  return out;
}

S3Request RequestBuilder::remove_many(
    std::span<const DeleteRequest* const> requests) const {
  if (requests.size() > defaults_.capabilities.batch_delete_limit) {
    throw Error(ErrorCode::kInvalidArgument,
                "DeleteObjects: " + std::to_string(requests.size()) +
                    " keys in one request, the limit is " +
                    std::to_string(defaults_.capabilities.batch_delete_limit));
  }
  S3Request out = make_request({"DeleteObjects", "s3:DeleteObject"}, "POST");
  out.query = {{"delete", ""}};
  out.xml = delete_xml(requests, defaults_.capabilities.conditional_batch_delete);
  out.headers.emplace_back("content-md5", base::to_base64(md5_of(out.xml)));
  out.headers.emplace_back("content-type", "application/xml");
  return out;
}

std::string RequestBuilder::copy_source(const ObjectKey& key) const {
  return base::percent_encode(defaults_.bucket + "/" + key.value, true);
}

S3Request RequestBuilder::copy(const CopyRequest& request,
                               const std::string& storage_class) const {
  S3Request out = make_object_request({"CopyObject", "s3:GetObject and s3:PutObject"},
                                      "PUT", request.destination);
  require_plain(request.destination);
  out.stall_seconds = kLongStallSeconds;
  out.headers.emplace_back("x-amz-copy-source", copy_source(request.source));
  if (request.source_if_match) {
    out.headers.emplace_back("x-amz-copy-source-if-match",
                             quoted(request.source_if_match->value));
  }
  if (!storage_class.empty())
    out.headers.emplace_back("x-amz-storage-class", storage_class);
  add_encryption(out.headers, defaults_.encryption);
  add_source_key(out.headers, defaults_.encryption);
  if (defaults_.capabilities.conditional_copy_destination) {
    add_condition(out, request.condition);
  }
  return out;
}

S3Request RequestBuilder::head_bucket() const {
  return make_request({"HeadBucket", "s3:ListBucket"}, "HEAD");
}

// Of this key; those that only begin with it come later in the listing.
S3Request RequestBuilder::list_versions(const ObjectKey& key) const {
  S3Request out = make_request({"ListObjectVersions", "s3:ListBucketVersions"}, "GET");
  out.query = {{"versions", ""},
               {"encoding-type", "url"},
               {"max-keys", "100"},
               {"prefix", key.value}};
  return out;
}

S3Request RequestBuilder::get_versioning() const {
  S3Request out = make_request({"GetBucketVersioning", "s3:GetBucketVersioning"}, "GET");
  out.query = {{"versioning", ""}};
  return out;
}

}  // namespace cloudsync::storage::s3

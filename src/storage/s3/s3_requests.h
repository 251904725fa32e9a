// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/transport.h"
#include "storage/object_store.h"
#include "storage/rest/exchange.h"
#include "storage/s3/s3_encryption.h"

namespace cloudsync::storage::s3 {

// How messages name an operation, and the right it needs.
struct Operation {
  std::string_view name;
  std::string_view permission;
};

// A request before it has an address and a signature.
struct S3Request {
  Operation operation;
  std::string_view method;
  std::string key;                                         // "" = the bucket itself
  std::vector<std::pair<std::string, std::string>> query;  // decoded
  http::Headers headers;  // lower-case names; all of them get signed
  std::string xml;  // the body where it is made here; else it is the caller's source
  std::optional<Sha256Digest> sha256;  // of the caller's source, where it is known
  int stall_seconds = 60;
  std::uint64_t max_body_bytes = rest::kMostAnswerBytes;
  bool fresh_connection = false;
};

// What requests of one bucket have in common.
struct RequestDefaults {
  std::string bucket;
  std::string storage_class;
  Capabilities capabilities;
  Encryption encryption = {};
};

// Builds requests; pure. Throws Error{kInvalidArgument} for what no request can carry: an
// empty key (it would address the bucket), metadata that is not printable ASCII, two
// preconditions at once; on custom endpoints for writes of keys that are not
// is_plain_path().
class RequestBuilder {
 public:
  explicit RequestBuilder(RequestDefaults defaults) : defaults_(std::move(defaults)) {}

  S3Request list(const ListRequest& request) const;
  S3Request head(const ObjectKey& key,
                 const std::optional<VersionToken>& if_match = {}) const;
  S3Request get_tags(const ObjectKey& key) const;
  S3Request get(const GetRequest& request) const;
  S3Request put(const PutRequest& request) const;
  S3Request remove(const DeleteRequest& request) const;
  // Every key must be is_xml_text().
  S3Request remove_many(std::span<const DeleteRequest* const> requests) const;
  // `storage_class` is the source's: S3 would give the copy the default one.
  S3Request copy(const CopyRequest& request, const std::string& storage_class) const;
  S3Request head_bucket() const;
  S3Request get_versioning() const;
  S3Request list_versions(const ObjectKey& key) const;

  S3Request begin_upload(const BeginUploadRequest& request) const;
  S3Request upload_part(const PartRequest& request) const;
  S3Request copy_part(const CopyPartRequest& request) const;
  S3Request complete_upload(const CompleteRequest& request) const;
  S3Request abort_upload(const ObjectKey& key, const UploadId& upload) const;
  S3Request list_parts(const ObjectKey& key, const UploadId& upload,
                       std::uint32_t after_part) const;
  S3Request list_uploads(const std::string& prefix, const UploadInfo& after) const;

 private:
  template <class Request>
  void add_object_headers(S3Request& out, const Request& request) const;
  void add_storage_class(S3Request& out, const std::string& storage_class) const;
  std::string copy_source(const ObjectKey& key) const;
  void require_plain(const ObjectKey& key) const;

  RequestDefaults defaults_;
};

// Has a key no empty, "." or ".." component? Servers that keep objects in folders
// (versitygw) resolve these, and a write would hit another object.
bool is_plain_path(std::string_view key);

// Can XML 1.0 carry these bytes (valid UTF-8 without most control characters)?
bool is_xml_text(std::string_view text);

}  // namespace cloudsync::storage::s3

// SPDX-License-Identifier: Apache-2.0
#include "storage/azure/azure_requests.h"

#include "base/encoding.h"
#include "cloudsync/error.h"
#include "storage/azure/azure_block_id.h"
#include "storage/azure/azure_names.h"
#include "storage/azure/azure_wire.h"
#include "storage/rest/object_tags.h"

#include <algorithm>

namespace cloudsync::storage::azure {
namespace {

constexpr std::uint32_t kMaxPage = 5000;

constexpr Operation kList{"List Blobs", "l (list)"};
constexpr Operation kHead{"Get Blob Properties", "r (read)"};
constexpr Operation kGet{"Get Blob", "r (read)"};
constexpr Operation kGetTags{"Get Blob Tags", "t (tags)"};
constexpr Operation kPut{"Put Blob", "w (write) and c (create)", true};
constexpr Operation kRemove{"Delete Blob", "d (delete)", true};
constexpr Operation kBatch{"Delete Blobs", "d (delete)", true};
constexpr Operation kCopy{"Copy Blob", "r (read), w (write) and c (create)", true};
constexpr Operation kContainer{"Get Container Properties", "r (read) and l (list)"};
constexpr Operation kPutBlock{"Put Block", "w (write) and c (create)", true};
constexpr Operation kPutBlockList{"Put Block List", "w (write) and c (create)", true};
constexpr Operation kGetBlockList{"Get Block List", "r (read)"};

// The service refuses both at once.
template <class Request>
void add_transit_checksum(AzureRequest& out, const Request& request) {
  if (request.crc64nvme) {
    out.headers.emplace_back("x-ms-content-crc64", crc64_base64(*request.crc64nvme));
  } else if (request.md5) {
    out.headers.emplace_back("content-md5", base::to_base64(*request.md5));
  }
}

void add_text(AzureRequest& out, const char* header, const std::string& value) {
  if (value.empty()) return;
  if (!is_printable_ascii(value)) {
    throw Error(ErrorCode::kInvalidArgument,
                std::string(header) + " '" + base::printable(value) + "' is not ASCII");
  }
  out.headers.emplace_back(header, value);
}

void add_tags(AzureRequest& out, const Tags& tags) {
  if (!tags.empty()) out.headers.emplace_back("x-ms-tags", rest::tags_query(tags));
}

std::string block_list_xml(const CompleteRequest& request) {
  const std::string nonce = nonce_of(request.upload);
  std::string xml = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>";
  for (const PartReceipt& part : request.parts) {
    // Never "Latest": a committed block could only be one of an earlier commit.
    xml += "<Uncommitted>" + block_id(nonce, part.number) + "</Uncommitted>";
  }
  return xml + "</BlockList>";
}

}  // namespace

AzureRequest RequestBuilder::list(const ListRequest& request) const {
  AzureRequest out = make_request(kList, "GET");
  out.max_body_bytes = rest::kMostPageBytes;
  out.query = {{"restype", "container"}, {"comp", "list"}, {"include", "metadata"}};
  const std::uint32_t page = std::clamp<std::uint32_t>(request.max_keys, 1, kMaxPage);
  out.query.emplace_back("maxresults", std::to_string(page));
  if (!request.prefix.empty()) out.query.emplace_back("prefix", request.prefix);
  if (!request.delimiter.empty()) out.query.emplace_back("delimiter", request.delimiter);
  if (!request.page_token.empty()) out.query.emplace_back("marker", request.page_token);
  return out;
}

AzureRequest RequestBuilder::head(const ObjectKey& key,
                                  const std::optional<VersionToken>& if_match) const {
  AzureRequest out = make_blob_request(kHead, "HEAD", key);
  if (if_match) out.headers.emplace_back("if-match", quoted(if_match->value));
  return out;
}

AzureRequest RequestBuilder::get(const GetRequest& request) const {
  AzureRequest out = make_blob_request(kGet, "GET", request.key);
  out.fresh_connection = request.fresh_connection;
  if (request.range) out.headers.emplace_back("x-ms-range", byte_range(*request.range));
  if (request.if_match) {
    out.headers.emplace_back("if-match", quoted(request.if_match->value));
  }
  if (!request.version_id.empty()) {
    out.query.emplace_back("versionid", request.version_id);
  }
  return out;
}

void RequestBuilder::add_tier(AzureRequest& out, const std::string& storage_class) const {
  const std::string tier =
      storage_class.empty() ? storage_class_ : canonical_tier(storage_class);
  if (!tier.empty()) out.headers.emplace_back("x-ms-access-tier", tier);
}

template <class Request>
void RequestBuilder::add_attributes(AzureRequest& out, const Request& request) const {
  add_text(out, "x-ms-blob-content-type", request.content_type);
  add_text(out, "x-ms-blob-cache-control", request.served.cache_control);
  add_text(out, "x-ms-blob-content-disposition", request.served.content_disposition);
  add_text(out, "x-ms-blob-content-language", request.served.content_language);
  // The service never looks at that of a block list: it is what listings will say.
  if (request.md5) {
    out.headers.emplace_back("x-ms-blob-content-md5", base::to_base64(*request.md5));
  }
  add_tier(out, request.storage_class);
  add_tags(out, request.tags);
  check_metadata(request.metadata);
  for (const auto& [name, value] : request.metadata) {
    out.headers.emplace_back("x-ms-meta-" + name, value);
  }
}

AzureRequest RequestBuilder::get_tags(const ObjectKey& key) const {
  AzureRequest out = make_blob_request(kGetTags, "GET", key);
  out.query = {{"comp", "tags"}};
  return out;
}

AzureRequest RequestBuilder::put(const PutRequest& request) const {
  AzureRequest out = make_blob_request(kPut, "PUT", request.key);
  out.headers.reserve(10 + request.metadata.size());
  out.headers.emplace_back("x-ms-blob-type", "BlockBlob");
  add_condition(out, request.condition);
  add_transit_checksum(out, request);
  add_attributes(out, request);
  return out;
}

AzureRequest RequestBuilder::remove(const DeleteRequest& request) const {
  AzureRequest out = make_blob_request(kRemove, "DELETE", request.key);
  // Without it a blob that has snapshots cannot go.
  out.headers.emplace_back("x-ms-delete-snapshots", "include");
  if (request.if_match) {
    out.headers.emplace_back("if-match", quoted(request.if_match->value));
  }
  return out;
}

AzureRequest RequestBuilder::batch(const std::string& boundary, std::string body) const {
  AzureRequest out = make_request(kBatch, "POST");
  out.query = {{"restype", "container"}, {"comp", "batch"}};
  out.headers.emplace_back("content-type", "multipart/mixed; boundary=" + boundary);
  out.body = std::move(body);
  return out;
}

AzureRequest RequestBuilder::copy(const CopyRequest& request, const std::string& source,
                                  const std::string& tier, const Tags& tags) const {
  AzureRequest out = make_blob_request(kCopy, "PUT", request.destination);
  out.stall_seconds = kLongStallSeconds;
  out.headers.emplace_back("x-ms-copy-source", source);
  if (request.source_if_match) {
    out.headers.emplace_back("x-ms-source-if-match",
                             quoted(request.source_if_match->value));
  }
  if (!tier.empty()) out.headers.emplace_back("x-ms-access-tier", tier);
  add_tags(out, tags);
  add_condition(out, request.condition);
  return out;
}

AzureRequest RequestBuilder::container_properties() const {
  AzureRequest out = make_request(kContainer, "GET");
  out.query = {{"restype", "container"}};
  return out;
}

AzureRequest RequestBuilder::put_block(const PartRequest& request) const {
  AzureRequest out = make_blob_request(kPutBlock, "PUT", request.key);
  out.query = {{"comp", "block"},
               {"blockid", block_id(nonce_of(request.upload), request.number)}};
  add_transit_checksum(out, request);
  return out;
}

AzureRequest RequestBuilder::put_block_list(const CompleteRequest& request) const {
  AzureRequest out = make_blob_request(kPutBlockList, "PUT", request.key);
  out.stall_seconds = kLongStallSeconds;
  out.query = {{"comp", "blocklist"}};
  out.headers.emplace_back("content-type", "application/xml");
  add_condition(out, request.condition);
  add_attributes(out, request);
  out.body = block_list_xml(request);
  return out;
}

AzureRequest RequestBuilder::get_block_list(const ObjectKey& key) const {
  AzureRequest out = make_blob_request(kGetBlockList, "GET", key);
  out.query = {{"comp", "blocklist"}, {"blocklisttype", "uncommitted"}};
  return out;
}

}  // namespace cloudsync::storage::azure

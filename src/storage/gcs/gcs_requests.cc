// SPDX-License-Identifier: Apache-2.0
#include "storage/gcs/gcs_requests.h"

#include "base/encoding.h"
#include "cloudsync/error.h"
#include "storage/gcs/gcs_values.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace cloudsync::storage::gcs {
namespace {

using nlohmann::json;

constexpr Operation kList = {"objects.list", "storage.objects.list"};
constexpr Operation kGet = {"objects.get", "storage.objects.get"};
constexpr Operation kInsert = {"objects.insert", "storage.objects.create"};
constexpr Operation kRewrite = {"objects.rewrite", "storage.objects.create"};
constexpr Operation kGetBucket = {"buckets.get", "storage.buckets.get"};
constexpr Operation kBatch = {"batch", "storage.objects.delete"};

constexpr std::size_t kLongestName = 1024;  // bytes
constexpr std::uint32_t kLargestPage = 1000;
// The service may be silent for minutes while it copies.
constexpr int kLongStallSeconds = 300;

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

// https://cloud.google.com/storage/docs/objects#naming
void check_key(const ObjectKey& key) {
  const std::string& name = key.value;
  if (name.empty()) refuse("an object needs a name");
  const std::string what = "\"" + base::printable(name.substr(0, kLongestName)) + "\" ";
  if (name.size() > kLongestName)
    refuse(what + "is longer than the 1024 bytes that names may have");
  if (!base::is_valid_utf8(name)) refuse(what + "is not UTF-8, as names must be");
  if (name.find_first_of("\r\n") != std::string::npos)
    refuse(what + "holds a line break, which names must not");
  if (name == "." || name == ".." || name.starts_with(".well-known/acme-challenge/"))
    refuse(what + "is a name that Google Cloud Storage does not allow");
}

// Never thrown out of: what is not UTF-8 was refused before.
std::string text_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

json metadata_json(const Metadata& metadata) {
  json out = json::object();
  for (const auto& [name, value] : metadata) {
    if (!base::is_valid_utf8(name) || !base::is_valid_utf8(value)) {
      refuse("the metadata entry \"" + base::printable(name) +
             "\" is not UTF-8 and cannot be stored");
    }
    out[name] = value;
  }
  return out;
}

void add_text(json& out, const char* name, const std::string& value) {
  if (value.empty()) return;
  if (!base::is_valid_utf8(value))
    refuse(std::string(name) + " \"" + base::printable(value) + "\" is not UTF-8");
  out[name] = value;
}

// It becomes a header line of the upload's envelope.
void check_content_type(const std::string& type) {
  const bool plain =
      std::all_of(type.begin(), type.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (!plain) refuse("the content type \"" + base::printable(type) + "\" is not ASCII");
}

// The resource of a new object: what it shall be called and carry.
template <class Request>
json resource_of(const Request& request, const std::string& storage_class) {
  check_content_type(request.content_type);
  json out = {{"name", request.key.value}};
  if (!request.metadata.empty()) out["metadata"] = metadata_json(request.metadata);
  if (!request.content_type.empty()) out["contentType"] = request.content_type;
  add_text(out, "cacheControl", request.served.cache_control);
  add_text(out, "contentDisposition", request.served.content_disposition);
  add_text(out, "contentLanguage", request.served.content_language);
  if (!storage_class.empty()) out["storageClass"] = storage_class;
  return out;
}

std::string content_range(const SessionId& session, const Chunk& chunk) {
  const std::string total = chunk.last ? std::to_string(session.size) : "*";
  if (chunk.first == chunk.end) return "bytes */" + total;
  return "bytes " + std::to_string(chunk.first) + "-" + std::to_string(chunk.end - 1) +
         "/" + total;
}

void add_condition(GcsRequest& out, const Precondition& condition) {
  const std::string generation = generation_condition(condition);
  if (!generation.empty()) out.query.emplace_back("ifGenerationMatch", generation);
}

}  // namespace

std::string generation_condition(const Precondition& condition) {
  if (condition.if_absent && condition.if_match) refuse("two preconditions at once");
  if (condition.if_absent) return "0";
  return condition.if_match ? generation_text(*condition.if_match) : "";
}

std::string_view object_fields() {
  return "name,size,generation,md5Hash,crc32c,updated,storageClass,contentType,metadata,"
         "cacheControl,contentDisposition,contentLanguage";
}

std::string encode_query(const std::vector<std::pair<std::string, std::string>>& query) {
  std::string out;
  for (const auto& [name, value] : query) {
    out += out.empty() ? "?" : "&";
    out += base::percent_encode(name) + "=" + base::percent_encode(value);
  }
  return out;
}

std::string hash_header(const std::optional<std::uint32_t>& crc32c,
                        const std::optional<Md5Digest>& md5) {
  std::string out;
  if (crc32c) out = "crc32c=" + crc32c_text(*crc32c);
  if (md5) out += (out.empty() ? "md5=" : ",md5=") + base::to_base64(*md5);
  return out;
}

std::string RequestBuilder::bucket_path() const {
  return "/storage/v1/b/" + base::percent_encode(config_.bucket);
}

std::string RequestBuilder::object_path(const ObjectKey& key) const {
  check_key(key);
  return bucket_path() + "/o/" + base::percent_encode(key.value);
}

std::string RequestBuilder::upload_path() const {
  return "/upload/storage/v1/b/" + base::percent_encode(config_.bucket) + "/o";
}

void RequestBuilder::add_user_project(GcsRequest& out) const {
  if (!config_.user_project.empty())
    out.query.emplace_back("userProject", config_.user_project);
}

std::string RequestBuilder::class_for(const std::string& wanted) const {
  return wanted.empty() ? config_.storage_class : canonical_storage_class(wanted);
}

GcsRequest RequestBuilder::object_request(Operation operation, std::string_view method,
                                          const ObjectKey& key) const {
  GcsRequest out;
  out.operation = operation;
  out.method = method;
  out.key = key.value;
  out.path = object_path(key);
  add_user_project(out);
  return out;
}

GcsRequest RequestBuilder::list(const ListRequest& request) const {
  GcsRequest out;
  out.operation = kList;
  out.max_body_bytes = rest::kMostPageBytes;
  out.method = "GET";
  out.path = bucket_path() + "/o";
  add_user_project(out);
  const auto add = [&out](const char* name, const std::string& value) {
    if (!value.empty()) out.query.emplace_back(name, value);
  };
  add("prefix", request.prefix);
  add("delimiter", request.delimiter);
  add("startOffset", request.start_after);
  add("pageToken", request.page_token);
  add("maxResults", std::to_string(std::clamp(request.max_keys, 1U, kLargestPage)));
  add("projection", "noAcl");
  add("fields",
      "kind,nextPageToken,prefixes,items(" + std::string(object_fields()) + ")");
  return out;
}

GcsRequest RequestBuilder::head(const ObjectKey& key) const {
  GcsRequest out = object_request(kGet, "GET", key);
  out.query.emplace_back("projection", "noAcl");
  out.query.emplace_back("fields", object_fields());
  return out;
}

GcsRequest RequestBuilder::get(const GetRequest& request) const {
  GcsRequest out = object_request(kGet, "GET", request.key);
  out.fresh_connection = request.fresh_connection;
  out.query.emplace_back("alt", "media");
  if (request.if_match) add_condition(out, {request.if_match, false});
  if (!request.version_id.empty())
    out.query.emplace_back("generation", request.version_id);
  // Without it the service unpacks objects with Content-Encoding gzip on the way.
  out.headers.emplace_back("accept-encoding", "gzip");
  if (request.range) out.headers.emplace_back("range", rest::byte_range(*request.range));
  return out;
}

EnvelopedRequest RequestBuilder::put(const PutRequest& request,
                                     const std::string& boundary) const {
  check_key(request.key);
  EnvelopedRequest out;
  out.request.operation = kInsert;
  out.request.method = "POST";
  out.request.key = request.key.value;
  out.request.path = upload_path();
  out.request.query = {{"uploadType", "multipart"},
                       {"fields", std::string(object_fields())}};
  add_user_project(out.request);
  add_condition(out.request, request.condition);
  out.request.headers.emplace_back("content-type",
                                   "multipart/related; boundary=" + boundary);
  json resource = resource_of(request, class_for(request.storage_class));
  if (request.md5) resource["md5Hash"] = base::to_base64(*request.md5);
  if (request.crc32c) resource["crc32c"] = crc32c_text(*request.crc32c);
  const std::string type =
      request.content_type.empty() ? "application/octet-stream" : request.content_type;
  out.before =
      "--" + boundary + "\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n" +
      text_of(resource) + "\r\n--" + boundary + "\r\nContent-Type: " + type + "\r\n\r\n";
  out.after = "\r\n--" + boundary + "--\r\n";
  return out;
}

GcsRequest RequestBuilder::remove(const DeleteRequest& request) const {
  GcsRequest out = object_request(kDeleteOperation, "DELETE", request.key);
  add_condition(out, {request.if_match, false});
  return out;
}

std::string RequestBuilder::remove_target(const DeleteRequest& request) const {
  const GcsRequest one = remove(request);
  return one.path + encode_query(one.query);
}

GcsRequest RequestBuilder::batch(std::string body, const std::string& boundary) const {
  GcsRequest out;
  out.operation = kBatch;
  out.method = "POST";
  out.path = "/batch/storage/v1";
  out.headers.emplace_back("content-type", "multipart/mixed; boundary=" + boundary);
  out.text = std::move(body);
  return out;
}

GcsRequest RequestBuilder::copy_source(const ObjectKey& key) const {
  GcsRequest out = object_request(kGet, "GET", key);
  out.query.emplace_back("projection", "noAcl");
  return out;
}

GcsRequest RequestBuilder::rewrite(const CopyRequest& request,
                                   const std::string& generation,
                                   const std::string& resource,
                                   const std::string& token) const {
  GcsRequest out = object_request(kRewrite, "POST", request.source);
  out.key = request.destination.value;
  check_key(request.destination);
  out.path += "/rewriteTo/b/" + base::percent_encode(config_.bucket) + "/o/" +
              base::percent_encode(request.destination.value);
  out.query.emplace_back("ifSourceGenerationMatch", generation);
  add_condition(out, request.condition);
  if (!token.empty()) out.query.emplace_back("rewriteToken", token);
  out.query.emplace_back("projection", "noAcl");
  out.headers.emplace_back("content-type", "application/json; charset=UTF-8");
  out.text = resource;
  out.stall_seconds = kLongStallSeconds;
  return out;
}

GcsRequest RequestBuilder::get_bucket() const {
  GcsRequest out;
  out.operation = kGetBucket;
  out.method = "GET";
  out.path = bucket_path();
  add_user_project(out);
  out.query.emplace_back("projection", "noAcl");
  out.query.emplace_back("fields", "name,location,versioning");
  return out;
}

GcsRequest RequestBuilder::begin_session(const BeginUploadRequest& request) const {
  check_key(request.key);
  GcsRequest out;
  out.operation = kInsert;
  out.method = "POST";
  out.key = request.key.value;
  out.path = upload_path();
  out.query = {{"uploadType", "resumable"},
               {"name", request.key.value},
               {"fields", std::string(object_fields())}};
  add_user_project(out);
  add_condition(out, request.condition);
  out.headers.emplace_back("content-type", "application/json; charset=UTF-8");
  out.headers.emplace_back("x-upload-content-length", std::to_string(request.size));
  if (!request.content_type.empty())
    out.headers.emplace_back("x-upload-content-type", request.content_type);
  out.text = text_of(resource_of(request, class_for(request.storage_class)));
  return out;
}

GcsRequest RequestBuilder::session_request(const ObjectKey& key,
                                           const SessionId& session) const {
  GcsRequest out;
  out.operation = kInsert;
  out.method = "PUT";
  out.key = key.value;
  out.session_url = session.url;
  return out;
}

GcsRequest RequestBuilder::send_chunk(const ObjectKey& key, const SessionId& session,
                                      const Chunk& chunk) const {
  GcsRequest out = session_request(key, session);
  out.headers.emplace_back("content-range", content_range(session, chunk));
  if (chunk.last && !chunk.hashes.empty())
    out.headers.emplace_back("x-goog-hash", chunk.hashes);
  if (chunk.last) out.stall_seconds = kLongStallSeconds;
  return out;
}

GcsRequest RequestBuilder::ask_session(const ObjectKey& key,
                                       const SessionId& session) const {
  GcsRequest out = session_request(key, session);
  out.headers.emplace_back("content-range", "bytes */*");
  return out;
}

GcsRequest RequestBuilder::cancel_session(const ObjectKey& key,
                                          const SessionId& session) const {
  GcsRequest out = session_request(key, session);
  out.method = "DELETE";
  return out;
}

}  // namespace cloudsync::storage::gcs

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/transport.h"
#include "storage/gcs/gcs_config.h"
#include "storage/object_store.h"
#include "storage/rest/exchange.h"

namespace cloudsync::storage::gcs {

// How messages name an operation, and the right it needs.
struct Operation {
  std::string_view name;
  std::string_view permission;
};
inline constexpr Operation kDeleteOperation = {"objects.delete",
                                               "storage.objects.delete"};

// A request before it has an address and a token.
struct GcsRequest {
  Operation operation;
  std::string_view method;
  std::string key;   // "" = the bucket itself; for messages
  std::string path;  // encoded
  // A session's, complete; instead of path and query. Whoever knows it may write.
  std::string session_url;
  std::vector<std::pair<std::string, std::string>> query;  // decoded
  http::Headers headers;                                   // lower-case names
  std::string text;  // the body where it is made here; else it is the caller's source
  int stall_seconds = 60;
  std::uint64_t max_body_bytes = rest::kMostAnswerBytes;
  bool fresh_connection = false;
};

// An upload in one request: what goes before and after the content.
struct EnvelopedRequest {
  GcsRequest request;
  std::string before;
  std::string after;
};

// A session that is open at the service.
struct SessionId {
  std::uint64_t part_size = 0;  // 0: not told
  std::uint64_t size = 0;       // of the whole object
  std::string condition;        // generation that must be there, "0" = none, "" = any
  std::string url;
};

// Bytes [first, end) of an object of `size` bytes; nothing known of the size before the
// last chunk, so that no other one can publish the object.
struct Chunk {
  std::uint64_t first = 0;
  std::uint64_t end = 0;
  bool last = false;
  std::string hashes;  // of the whole object, in the form of x-goog-hash
};

// Builds requests; pure. Throws Error{kInvalidArgument} for what no request can carry:
// names the service forbids, metadata that is not UTF-8, two preconditions at once.
class RequestBuilder {
 public:
  explicit RequestBuilder(const GcsConfig& config) : config_(config) {}

  GcsRequest list(const ListRequest& request) const;
  GcsRequest head(const ObjectKey& key) const;
  GcsRequest get(const GetRequest& request) const;
  // `boundary` must not occur in the content.
  EnvelopedRequest put(const PutRequest& request, const std::string& boundary) const;
  GcsRequest remove(const DeleteRequest& request) const;
  // Path and query of one delete, as a batch carries it.
  std::string remove_target(const DeleteRequest& request) const;
  GcsRequest batch(std::string body, const std::string& boundary) const;
  // All that a copy has to carry along, which is more than an ObjectInfo holds.
  GcsRequest copy_source(const ObjectKey& key) const;
  // `generation` of the source, `resource` for the destination, `token` to go on with.
  GcsRequest rewrite(const CopyRequest& request, const std::string& generation,
                     const std::string& resource, const std::string& token) const;
  GcsRequest get_bucket() const;

  GcsRequest begin_session(const BeginUploadRequest& request) const;
  GcsRequest send_chunk(const ObjectKey& key, const SessionId& session,
                        const Chunk& chunk) const;
  GcsRequest ask_session(const ObjectKey& key, const SessionId& session) const;
  GcsRequest cancel_session(const ObjectKey& key, const SessionId& session) const;

 private:
  GcsRequest object_request(Operation operation, std::string_view method,
                            const ObjectKey& key) const;
  GcsRequest session_request(const ObjectKey& key, const SessionId& session) const;
  std::string bucket_path() const;
  std::string object_path(const ObjectKey& key) const;
  std::string upload_path() const;
  void add_user_project(GcsRequest& out) const;
  std::string class_for(const std::string& wanted) const;

  const GcsConfig& config_;
};

// The value of ifGenerationMatch for a condition; "" for none. Throws
// Error{kInvalidArgument} for two conditions at once.
std::string generation_condition(const Precondition& condition);

// The fields of an object that are asked for, in `fields` notation.
std::string_view object_fields();

std::string encode_query(const std::vector<std::pair<std::string, std::string>>& query);

// "crc32c=...,md5=..." of what is known.
std::string hash_header(const std::optional<std::uint32_t>& crc32c,
                        const std::optional<Md5Digest>& md5);

}  // namespace cloudsync::storage::gcs

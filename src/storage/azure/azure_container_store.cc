// SPDX-License-Identifier: Apache-2.0
#include "storage/azure/azure_container_store.h"

#include "base/encoding.h"
#include "storage/azure/azure_headers.h"
#include "storage/azure/azure_responses.h"
#include "storage/azure/azure_wire.h"
#include "storage/rest/body_checks.h"
#include "storage/rest/object_tags.h"

namespace cloudsync::storage::azure {
namespace {

// Once a byte is out it is too late: a reader that goes on after a broken body would go
// on behind bytes from elsewhere.
void check_head_of_body(const GetRequest& request, const http::HttpResponse& response) {
  if (copy_state(response).status == "pending") {
    throw Error(ErrorCode::kUnavailable,
                "a server-side copy into this blob has not ended");
  }
  if (request.range) rest::check_range(*request.range, response);
  if (request.if_match) rest::check_etag(response, *request.if_match);
}

}  // namespace

AzureStore::AzureStore(AzureConfig config, AzureDependencies dependencies)
    : client_(std::move(config), std::move(dependencies)),
      build_(client_.config().storage_class),
      blocks_(client_, build_),
      deletions_(client_, build_) {}

std::string AzureStore::describe() const {
  return "azure://" + client_.config().container + " at " + client_.config().endpoint();
}

ListPage AzureStore::list(const ListRequest& request, const CallContext& context) {
  const AzureRequest built = build_.list(request);
  AzureAnswer answer = client_.send(built, context);
  client_.require_ok(built, answer);
  return client_.interpret(
      built, [&] { return parse_list(std::move(answer.http.body), request.prefix); });
}

std::optional<ObjectInfo> AzureStore::head(const ObjectKey& key,
                                           const CallContext& context) {
  const AzureRequest built = build_.head(key);
  const AzureAnswer answer = client_.send(built, context);
  if (is_absent(answer)) return std::nullopt;
  client_.require_ok(built, answer);
  ObjectInfo info =
      client_.interpret(built, [&] { return object_info(answer.http, key); });
  // As in listings.
  if (is_directory(info)) return std::nullopt;
  return info;
}

Tags AzureStore::tags(const ObjectKey& key, const CallContext& context) {
  const AzureRequest built = build_.get_tags(key);
  AzureAnswer answer = client_.send(built, context);
  if (is_absent(answer)) return {};
  client_.require_ok(built, answer);
  return client_.interpret(built,
                           [&] { return rest::parse_tags(std::move(answer.http.body)); });
}

GetResult AzureStore::body_delivered(const GetRequest& request,
                                     const http::HttpResponse& response) const {
  GetResult result;
  result.info = object_info(response, request.key);
  result.body_bytes = response.streamed_bytes;
  check_head_of_body(request, response);
  rest::check_length(request, result);
  return result;
}

// A range of no bytes cannot be asked for, and an empty blob has no range at all. HEAD
// tells the rest.
GetResult AzureStore::get_nothing(const GetRequest& request, const CallContext& context) {
  AzureRequest built = build_.head(request.key, request.if_match);
  if (!request.version_id.empty()) {
    built.query.emplace_back("versionid", request.version_id);
  }
  const AzureAnswer answer = client_.send(built, context);
  GetResult result;
  if (request.if_match && is_condition_failed(answer)) {
    result.outcome = Outcome::kPreconditionFailed;
  } else if (is_absent(answer)) {
    result.outcome = Outcome::kNotFound;
  } else {
    client_.require_ok(built, answer);
    result.info =
        client_.interpret(built, [&] { return object_info(answer.http, request.key); });
  }
  return result;
}

GetResult AzureStore::refused_get(const GetRequest& request, const AzureRequest& built,
                                  const AzureAnswer& answer, const CallContext& context) {
  GetResult result;
  if (is_absent(answer)) {
    result.outcome = Outcome::kNotFound;
  } else if (request.if_match && is_condition_failed(answer)) {
    result.outcome = Outcome::kPreconditionFailed;
  } else if (classify(*answer.failure) == ErrorCode::kArchived) {
    result.outcome = Outcome::kArchived;
  } else if (answer.is(416) && request.range && request.range->offset == 0) {
    // Only an empty blob has no first byte, and it may have got some since.
    result = get_nothing(request, context);
    client_.interpret(built, [&] { rest::check_length(request, result); });
  } else {
    client_.fail(built, *answer.failure);
  }
  return result;
}

GetResult AzureStore::get(const GetRequest& request, ByteSink& sink,
                          const CallContext& context) {
  if (request.range && request.range->length == 0) return get_nothing(request, context);
  const AzureRequest built = build_.get(request);
  const auto check = [&](const http::HttpResponse& response) {
    client_.interpret(built, [&] { check_head_of_body(request, response); });
  };
  const AzureAnswer answer = client_.send(built, context, {nullptr, &sink, check});
  if (!answer.ok()) return refused_get(request, built, answer, context);
  return client_.interpret(built, [&] { return body_delivered(request, answer.http); });
}

PutResult AzureStore::put(const PutRequest& request, ByteSource& source,
                          const CallContext& context) {
  const AzureRequest built = build_.put(request);
  const AzureAnswer answer = client_.send(built, context, {&source, nullptr});
  if (is_condition_failed(answer, request.condition)) {
    return rest::put_outcome(Outcome::kPreconditionFailed);
  }
  client_.require_ok(built, answer);
  return client_.interpret(built, [&] {
    PutResult result = put_result(answer.http, client_.now_ns());
    result.md5 = md5_from_base64(answer.http.header("content-md5").value_or(""));
    return result;
  });
}

DeleteResult AzureStore::remove(const DeleteRequest& request,
                                const CallContext& context) {
  return deletions_.remove(request, context);
}

std::vector<DeleteResult> AzureStore::remove_many(std::span<const DeleteRequest> requests,
                                                  const CallContext& context) {
  return deletions_.remove_many(requests, context);
}

// A copy without its tags is better than none.
Tags AzureStore::tags_to_copy(const ObjectInfo& source, const CallContext& context) {
  if (source.tag_count.value_or(0) == 0) return {};
  try {
    return tags(source.key, context);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled || error.retryable()) throw;
    return {};
  }
}

PutResult AzureStore::copy(const CopyRequest& request, const CallContext& context) {
  const std::optional<ObjectInfo> source = head(request.source, context);
  if (!source) return rest::put_outcome(Outcome::kNotFound);
  if (request.source_if_match && source->token != *request.source_if_match) {
    return rest::put_outcome(Outcome::kPreconditionFailed);
  }
  // The service would begin to thaw it, which takes hours and money.
  if (source->archived) return rest::put_outcome(Outcome::kArchived);
  const Tags tags = tags_to_copy(*source, context);
  AzureCopy copy(client_, build_);
  if (tags.empty()) return copy.run(request, *source, tags, context);
  try {
    return copy.run(request, *source, tags, context);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kPermissionDenied) throw;
    return copy.run(request, *source, {}, context);
  }
}

// A service SAS never has the right to a container's properties, but it may list.
BucketInfo AzureStore::ask_by_listing(const CallContext& context) {
  ListRequest one;
  one.max_keys = 1;
  const AzureRequest built = build_.list(one);
  const AzureAnswer answer = client_.send(built, context);
  BucketInfo info;
  if (answer.is("ContainerNotFound")) return info;
  client_.require_ok(built, answer);
  info.exists = true;
  return info;
}

BucketInfo AzureStore::describe_bucket(const CallContext& context) {
  const AzureRequest built = build_.container_properties();
  const AzureAnswer answer = client_.send(built, context);
  BucketInfo info;
  if (answer.is("ContainerNotFound")) return info;
  const bool may_list =
      answer.failure && (classify(*answer.failure) == ErrorCode::kPermissionDenied ||
                         answer.is("ResourceNotFound"));
  if (may_list) return ask_by_listing(context);
  client_.require_ok(built, answer);
  info.exists = true;
  return info;
}

}  // namespace cloudsync::storage::azure

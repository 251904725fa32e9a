// SPDX-License-Identifier: Apache-2.0
#include "storage/gcs/gcs_store.h"

#include "base/encoding.h"
#include "base/log.h"
#include "storage/gcs/gcs_batch.h"
#include "storage/gcs/gcs_body.h"
#include "storage/gcs/gcs_client.h"
#include "storage/gcs/gcs_media.h"
#include "storage/gcs/gcs_requests.h"
#include "storage/gcs/gcs_responses.h"
#include "storage/gcs/gcs_sessions.h"
#include "storage/rest/body_checks.h"
#include "storage/server_helps.h"

#include <algorithm>
#include <atomic>

namespace cloudsync::storage::gcs {
namespace {

constexpr char kGenerationHeader[] = "generation_header";

class GcsStore final : public ObjectStore, public ServerHelps {
 public:
  GcsStore(GcsConfig config, GcsDependencies dependencies)
      : client_(std::move(config), std::move(dependencies)),
        build_(client_.config()),
        sessions_(client_, build_) {}

  const Capabilities& capabilities() const override {
    return client_.config().capabilities;
  }
  std::string describe() const override;
  ListPage list(const ListRequest& request, const CallContext& context) override;
  std::optional<ObjectInfo> head(const ObjectKey& key,
                                 const CallContext& context) override;
  GetResult get(const GetRequest& request, ByteSink& sink,
                const CallContext& context) override;
  PutResult put(const PutRequest& request, ByteSource& source,
                const CallContext& context) override;
  DeleteResult remove(const DeleteRequest& request, const CallContext& context) override;
  std::vector<DeleteResult> remove_many(std::span<const DeleteRequest> requests,
                                        const CallContext& context) override;
  PutResult copy(const CopyRequest& request, const CallContext& context) override;
  BucketInfo describe_bucket(const CallContext& context) override;
  std::optional<std::int64_t> clock_offset_ns() override {
    return client_.server_clock().offset_ns();
  }
  MultipartStore* multipart() override { return &sessions_; }
  std::vector<std::string> renounced() const override {
    if (names_generations_) return {};
    return {kGenerationHeader};
  }
  void renounce(const std::vector<std::string>& helps) override {
    if (std::find(helps.begin(), helps.end(), kGenerationHeader) != helps.end())
      names_generations_ = false;
  }

 private:
  struct Deletion {
    const DeleteRequest* request;
    DeleteResult* result;
    std::string target;
  };

  GetResult get_nothing(const GetRequest& request, const CallContext& context);
  GetResult get_media(const GetRequest& request, ByteSink& sink, bool needs_generation,
                      const CallContext& context);
  GetResult get_between_looks(const GetRequest& request, ByteSink& sink,
                              const CallContext& context);
  GetResult body_delivered(const GetRequest& request,
                           const http::HttpResponse& response) const;
  void remove_batch(std::span<const Deletion> deletions, const CallContext& context);
  DeleteResult deleted(const DeleteRequest& request,
                       const std::optional<http::HttpResponse>& answer) const;
  PutResult rewrite(const CopyRequest& request, const CopySource& source,
                    const CallContext& context);

  GcsClient client_;
  RequestBuilder build_;
  GcsSessions sessions_;
  std::atomic<bool> names_generations_ = true;
};

// The service says 412; emulators say 304, or 404 to a generation of what is gone.
bool condition_failed(const GcsAnswer& answer, const Precondition& condition) {
  if (!condition.any()) return false;
  if (answer.is(412) || answer.is(304)) return true;
  return condition.if_match && answer.is_absent();
}

void check_stored(const ObjectInfo& stored, const PutRequest& request,
                  CheckedSource& sent) {
  const bool whole = stored.size == sent.size();
  const bool same_md5 = !request.md5 || !stored.md5 || *request.md5 == *stored.md5;
  const bool same_crc = !stored.crc32c || *stored.crc32c == sent.crc32c();
  if (whole && same_md5 && same_crc) return;
  throw Error(ErrorCode::kDataCorrupt, "the server stored other bytes than were sent");
}

// Whoever moves an object deletes the source next.
void check_copied(const ObjectInfo& source, const ObjectInfo& copy) {
  const bool same_crc = !source.crc32c || !copy.crc32c || *source.crc32c == *copy.crc32c;
  if (copy.size == source.size && same_crc) return;
  throw Error(ErrorCode::kDataCorrupt, "the server's copy differs from its source");
}

std::string GcsStore::describe() const {
  return "gs://" + base::printable(client_.config().bucket) + " at " +
         client_.config().origin + client_.config().base_path;
}

ListPage GcsStore::list(const ListRequest& request, const CallContext& context) {
  const GcsRequest built = build_.list(request);
  const GcsAnswer answer = client_.send(built, context);
  client_.require_ok(built, answer);
  ListPage page =
      client_.interpret(built, [&] { return parse_list(answer.http.body); });
  if (!page.objects.empty()) page.first_filtered = page.objects.front().key.value;
  // startOffset includes the name itself.
  std::erase_if(page.objects, [&](const ObjectInfo& info) {
    return !request.start_after.empty() && info.key.value <= request.start_after;
  });
  return page;
}

std::optional<ObjectInfo> GcsStore::head(const ObjectKey& key,
                                         const CallContext& context) {
  const GcsRequest built = build_.head(key);
  const GcsAnswer answer = client_.send(built, context);
  if (answer.is_absent()) return std::nullopt;
  client_.require_ok(built, answer);
  return client_.interpret(built, [&] { return parse_object(answer.http.body); });
}

GetResult GcsStore::body_delivered(const GetRequest& request,
                                   const http::HttpResponse& response) const {
  GetResult result;
  result.info = media_info(response, request.key);
  result.body_bytes = response.streamed_bytes;
  check_media(request, response);
  rest::check_length(request, result);
  return result;
}

// A range cannot say "no bytes", and an empty object has no range at all.
GetResult GcsStore::get_nothing(const GetRequest& request, const CallContext& context) {
  GetResult result;
  GcsRequest built = build_.head(request.key);
  if (!request.version_id.empty())
    built.query.emplace_back("generation", request.version_id);
  const GcsAnswer answer = client_.send(built, context);
  if (answer.is_absent()) {
    result.outcome = Outcome::kNotFound;
    return result;
  }
  client_.require_ok(built, answer);
  result.info = client_.interpret(built, [&] { return parse_object(answer.http.body); });
  if (request.if_match && result.info.token != *request.if_match)
    result.outcome = Outcome::kPreconditionFailed;
  return result;
}

GetResult GcsStore::get(const GetRequest& request, ByteSink& sink,
                        const CallContext& context) {
  if (request.range && request.range->length == 0) return get_nothing(request, context);
  if (names_generations_) {
    try {
      return get_media(request, sink, true, context);
    } catch (const Error& error) {
      if (error.detail().provider_code != kGenerationHeader) throw;
    }
    if (names_generations_.exchange(false)) {
      base::log().warn(
          "{} does not name the generation of what it sends; each download is looked at "
          "before and after",
          describe());
    }
  }
  return get_between_looks(request, sink, context);
}

// A generation never comes back: if it is there before and after the body, the body is
// its own.
GetResult GcsStore::get_between_looks(const GetRequest& request, ByteSink& sink,
                                      const CallContext& context) {
  GetResult result;
  const auto before = head(request.key, context);
  const bool other_version =
      before && !request.version_id.empty() && before->version_id != request.version_id;
  if (!before || other_version) {
    result.outcome = Outcome::kNotFound;
    return result;
  }
  if (request.if_match && before->token != *request.if_match) {
    result.outcome = Outcome::kPreconditionFailed;
    return result;
  }
  result = get_media(request, sink, false, context);
  if (result.outcome != Outcome::kOk) return result;
  const auto after = head(request.key, context);
  if (!after || after->token != before->token) {
    throw Error(ErrorCode::kUnavailable, describe() + ": '" +
                                             base::printable(request.key.value) +
                                             "' changed while it was read")
        .with_retryable(false);
  }
  result.info = *before;
  return result;
}

GetResult GcsStore::get_media(const GetRequest& request, ByteSink& sink,
                              bool needs_generation, const CallContext& context) {
  const GcsRequest built = build_.get(request);
  // Once a byte is out it is too late: a reader that goes on after a broken body would go
  // on behind bytes from elsewhere.
  const auto check = [&](const http::HttpResponse& response) {
    if (needs_generation && !names_generation(response)) {
      throw Error(ErrorCode::kUnsupported, "no x-goog-generation header",
                  ServiceDetail{0, kGenerationHeader, "", {}});
    }
    client_.interpret(built, [&] { check_media(request, response); });
  };
  const GcsAnswer answer = client_.send(built, context, {nullptr, &sink, check});
  if (answer.ok()) {
    check(answer.http);  // of a body without a byte
    return client_.interpret(built, [&] { return body_delivered(request, answer.http); });
  }
  GetResult result;
  if (answer.is_absent()) {
    result.outcome = Outcome::kNotFound;
  } else if (condition_failed(answer, {request.if_match, false})) {
    result.outcome = Outcome::kPreconditionFailed;
  } else if (answer.is(416) && request.range && request.range->offset == 0) {
    // Only an empty object has no first byte, and it may have got some since.
    result = get_nothing(request, context);
    client_.interpret(built, [&] { rest::check_length(request, result); });
  } else {
    client_.fail(built, *answer.failure);
  }
  return result;
}

PutResult GcsStore::put(const PutRequest& request, ByteSource& source,
                        const CallContext& context) {
  EnvelopedRequest built = build_.put(request, client_.fresh_boundary());
  CheckedSource content(source);
  EnvelopedSource body(std::move(built.before), content, std::move(built.after));
  const GcsAnswer answer = client_.send(built.request, context, {&body});
  if (condition_failed(answer, request.condition))
    return put_outcome(Outcome::kPreconditionFailed);
  client_.require_ok(built.request, answer);
  return client_.interpret(built.request, [&] {
    const ObjectInfo stored = parse_object(answer.http.body);
    check_stored(stored, request, content);
    return put_result(stored);
  });
}

DeleteResult GcsStore::remove(const DeleteRequest& request, const CallContext& context) {
  const GcsRequest built = build_.remove(request);
  const GcsAnswer answer = client_.send(built, context);
  if (answer.is_absent()) return {};
  if (condition_failed(answer, {request.if_match, false})) {
    return {Outcome::kPreconditionFailed, {}};
  }
  client_.require_ok(built, answer);
  return {};
}

DeleteResult GcsStore::deleted(const DeleteRequest& request,
                               const std::optional<http::HttpResponse>& answer) const {
  const FailureSite site{kDeleteOperation, client_.config().bucket, request.key.value,
                         client_.config().origin, client_.config().authenticate};
  if (!answer) {
    return {Outcome::kOk,
            Error(ErrorCode::kUnavailable,
                  gcs::describe(site) + ": the answer leaves this key out")};
  }
  if (answer->status >= 200 && answer->status < 300) return {};
  const ServiceFailure failure = parse_failure(*answer);
  if (request.if_match && (failure.status == 412 || failure.status == 304))
    return {Outcome::kPreconditionFailed, {}};
  if (failure.status == 404 && !is_missing_bucket(failure)) return {};
  return {Outcome::kOk, make_error(failure, site)};
}

void GcsStore::remove_batch(std::span<const Deletion> deletions,
                            const CallContext& context) {
  std::vector<std::string> targets;
  for (const Deletion& deletion : deletions) targets.push_back(deletion.target);
  const std::string boundary = client_.fresh_boundary();
  const GcsRequest built = build_.batch(batch_body(targets, boundary), boundary);
  const GcsAnswer answer = client_.send(built, context);
  client_.require_ok(built, answer);
  const auto answers = client_.interpret(
      built, [&] { return parse_batch(answer.http, deletions.size()); });
  for (std::size_t i = 0; i < deletions.size(); ++i)
    *deletions[i].result = deleted(*deletions[i].request, answers[i]);
}

std::vector<DeleteResult> GcsStore::remove_many(std::span<const DeleteRequest> requests,
                                                const CallContext& context) {
  std::vector<DeleteResult> results(requests.size());
  std::vector<Deletion> deletions;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    try {
      deletions.push_back({&requests[i], &results[i], build_.remove_target(requests[i])});
    } catch (const Error& error) {
      results[i].error = error;  // a name that the service does not allow
    }
  }
  std::span<const Deletion> rest = deletions;
  const std::size_t limit = capabilities().batch_delete_limit;
  for (; !rest.empty(); rest = rest.subspan(std::min(limit, rest.size()))) {
    remove_batch(rest.first(std::min(limit, rest.size())), context);
  }
  return results;
}

// The resource is sent along because the service would give the copy the bucket's default
// class; it was read from the generation that is copied.
PutResult GcsStore::copy(const CopyRequest& request, const CallContext& context) {
  const GcsRequest built = build_.copy_source(request.source);
  const GcsAnswer answer = client_.send(built, context);
  if (answer.is_absent()) return put_outcome(Outcome::kNotFound);
  client_.require_ok(built, answer);
  const CopySource source =
      client_.interpret(built, [&] { return parse_copy_source(answer.http.body); });
  if (request.source_if_match && source.info.token != *request.source_if_match)
    return put_outcome(Outcome::kPreconditionFailed);
  return rewrite(request, source, context);
}

PutResult GcsStore::rewrite(const CopyRequest& request, const CopySource& source,
                            const CallContext& context) {
  RewriteStep step;
  for (;;) {
    const GcsRequest built =
        build_.rewrite(request, source.info.token.value, source.resource, step.token);
    const GcsAnswer answer = client_.send(built, context);
    if (answer.is(412)) return put_outcome(Outcome::kPreconditionFailed);
    if (answer.is_absent()) return put_outcome(Outcome::kNotFound);
    client_.require_ok(built, answer);
    RewriteStep next =
        client_.interpret(built, [&] { return parse_rewrite(answer.http.body); });
    if (next.done) {
      client_.interpret(built, [&] { check_copied(source.info, *next.done); });
      return put_result(*next.done);
    }
    // Large ones take some rounds; each has to bring them further.
    if (next.rewritten <= step.rewritten) {
      throw Error(ErrorCode::kUnavailable,
                  gcs::describe(client_.site(built)) + ": the copy does not advance");
    }
    step = std::move(next);
  }
}

BucketInfo GcsStore::describe_bucket(const CallContext& context) {
  const GcsRequest built = build_.get_bucket();
  const GcsAnswer answer = client_.send(built, context);
  BucketInfo info;
  if (answer.is(404)) return info;
  if (answer.is(403)) {
    // The right to see the bucket's settings is not needed; that to list its objects is.
    ListRequest one;
    one.max_keys = 1;
    list(one, context);
    info.exists = true;
    return info;
  }
  client_.require_ok(built, answer);
  return client_.interpret(built, [&] { return parse_bucket(answer.http.body); });
}

}  // namespace

std::unique_ptr<ObjectStore> make_gcs_store(const StorageOptions& options,
                                            const auth::Environment& environment,
                                            GcsDependencies dependencies) {
  return std::make_unique<GcsStore>(resolve_config(options, environment),
                                    std::move(dependencies));
}

}  // namespace cloudsync::storage::gcs

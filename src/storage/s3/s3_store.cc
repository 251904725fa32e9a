// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/s3_store.h"

#include "auth/aws/aws_credential_chain.h"
#include "base/encoding.h"
#include "base/log.h"
#include "http/curl_transport.h"
#include "storage/rest/body_checks.h"
#include "storage/rest/object_tags.h"
#include "storage/rest/tls_options.h"
#include "storage/s3/s3_client.h"
#include "storage/s3/s3_headers.h"
#include "storage/s3/s3_multipart.h"
#include "storage/s3/s3_requests.h"
#include "storage/s3/s3_responses.h"
#include "storage/server_helps.h"

#include <algorithm>
#include <atomic>
#include <map>

namespace cloudsync::storage::s3 {
namespace {

using rest::put_outcome;

class S3Store final : public ObjectStore, public ServerHelps {
 public:
  S3Store(S3Config config, S3Dependencies dependencies)
      : client_(std::move(config), std::move(dependencies)),
        build_({client_.config().bucket, client_.config().storage_class,
                client_.config().capabilities, client_.config().encryption}),
        multipart_(client_, build_) {}

  const Capabilities& capabilities() const override {
    return client_.config().capabilities;
  }
  std::string describe() const override;
  ListPage list(const ListRequest& request, const CallContext& context) override;
  std::optional<ObjectInfo> head(const ObjectKey& key,
                                 const CallContext& context) override;
  Tags tags(const ObjectKey& key, const CallContext& context) override;
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
  MultipartStore* multipart() override { return &multipart_; }
  std::optional<VersionToken> token_below_marker(const ObjectKey& key,
                                                 const CallContext& context) override;
  std::vector<std::string> renounced() const override;
  void renounce(const std::vector<std::string>& helps) override;

 private:
  GetResult get_nothing(const GetRequest& request, const CallContext& context);
  GetResult body_delivered(const GetRequest& request,
                           const http::HttpResponse& response) const;
  void remove_batch(std::span<const DeleteRequest* const> batch,
                    std::span<DeleteResult* const> results, const CallContext& context);
  DeleteResult deleted(const S3Request& built,
                       const std::optional<ServiceFailure>& failure);
  void explain_refused_head(const CallContext& context);
  void ask_versioning(BucketInfo& info, const CallContext& context);
  S3Answer send_read(S3Request built, const CallContext& context,
                     rest::Streams streams = {});

  S3Client client_;
  RequestBuilder build_;
  S3Multipart multipart_;
  std::atomic<bool> asks_checksums_ = true;
};

constexpr char kChecksumMode[] = "checksum_mode";

void drop_checksum_mode(S3Request& built) {
  std::erase_if(built.headers,
                [](const auto& header) { return header.first == "x-amz-checksum-mode"; });
}

bool is_absent(const S3Answer& answer) {
  // 405 is the answer for a version that is a delete marker; 404 may also mean a bucket
  // or an encryption key.
  return (answer.is(404) && classify(*answer.failure) == ErrorCode::kNotFound &&
          !answer.is("NoSuchBucket")) ||
         (answer.is(405) && answer.http.header("x-amz-delete-marker"));
}

bool put_condition_failed(const S3Answer& answer, const Precondition& condition) {
  if (!condition.any()) return false;
  return answer.is(412) || (condition.if_match && is_absent(answer));
}

// Once a byte is out it is too late: a reader that goes on after a broken body would go
// on behind bytes from elsewhere.
void check_head_of_body(const GetRequest& request, const http::HttpResponse& response) {
  if (request.range) rest::check_range(*request.range, response);
  if (request.if_match) rest::check_etag(response, *request.if_match);
}

std::string S3Store::describe() const {
  return "s3://" + base::printable(client_.config().bucket) + " at " +
         endpoint_name(client_.config());
}

ListPage S3Store::list(const ListRequest& request, const CallContext& context) {
  const S3Request built = build_.list(request);
  S3Answer answer = client_.send(built, context);
  client_.require_ok(built, answer);
  return client_.interpret(built, [&] {
    return parse_list(std::move(answer.http.body), request.prefix, client_.config().aws);
  });
}

std::optional<ObjectInfo> S3Store::head(const ObjectKey& key,
                                        const CallContext& context) {
  const S3Request built = build_.head(key);
  const S3Answer answer = send_read(built, context);
  if (is_absent(answer)) return std::nullopt;
  client_.require_ok(built, answer);
  return client_.interpret(built, [&] { return object_info(answer.http, key); });
}

Tags S3Store::tags(const ObjectKey& key, const CallContext& context) {
  const S3Request built = build_.get_tags(key);
  S3Answer answer = client_.send(built, context);
  if (is_absent(answer) || answer.is("NoSuchTagSet")) return {};
  client_.require_ok(built, answer);
  return client_.interpret(built,
                           [&] { return rest::parse_tags(std::move(answer.http.body)); });
}

GetResult S3Store::body_delivered(const GetRequest& request,
                                  const http::HttpResponse& response) const {
  GetResult result;
  result.info = object_info(response, request.key);
  result.body_bytes = response.streamed_bytes;
  check_head_of_body(request, response);
  rest::check_length(request, result);
  return result;
}

// S3 cannot express "no bytes of it", and refuses any range of an empty object. HEAD
// tells the rest.
GetResult S3Store::get_nothing(const GetRequest& request, const CallContext& context) {
  S3Request built = build_.head(request.key, request.if_match);
  if (!request.version_id.empty())
    built.query.emplace_back("versionId", request.version_id);
  const S3Answer answer = send_read(built, context);
  GetResult result;
  if (request.if_match && answer.is(412)) {
    result.outcome = Outcome::kPreconditionFailed;
    return result;
  }
  if (is_absent(answer)) {
    result.outcome = Outcome::kNotFound;
    return result;
  }
  client_.require_ok(built, answer);
  result.info =
      client_.interpret(built, [&] { return object_info(answer.http, request.key); });
  return result;
}

GetResult S3Store::get(const GetRequest& request, ByteSink& sink,
                       const CallContext& context) {
  if (request.range && request.range->length == 0) return get_nothing(request, context);
  const S3Request built = build_.get(request);
  const auto check = [&](const http::HttpResponse& response) {
    client_.interpret(built, [&] { check_head_of_body(request, response); });
  };
  const S3Answer answer = send_read(built, context, {nullptr, &sink, check});
  if (answer.ok()) {
    return client_.interpret(built, [&] { return body_delivered(request, answer.http); });
  }
  GetResult result;
  if (is_absent(answer)) {
    result.outcome = Outcome::kNotFound;
  } else if (request.if_match && answer.is(412)) {
    result.outcome = Outcome::kPreconditionFailed;
  } else if (answer.is("InvalidObjectState")) {
    result.outcome = Outcome::kArchived;
  } else if (answer.is(416) && request.range && request.range->offset == 0) {
    // Only an empty object has no first byte, and it may have got some since.
    result = get_nothing(request, context);
    client_.interpret(built, [&] { rest::check_length(request, result); });
  } else {
    client_.fail(built, *answer.failure);
  }
  return result;
}

PutResult S3Store::put(const PutRequest& request, ByteSource& source,
                       const CallContext& context) {
  const S3Request built = build_.put(request);
  const S3Answer answer = client_.send(built, context, {&source, nullptr});
  if (put_condition_failed(answer, request.condition))
    return put_outcome(Outcome::kPreconditionFailed);
  client_.require_ok(built, answer);
  return client_.interpret(built, [&] {
    require_encrypted(answer.http, client_.config().encryption);
    return put_result(answer.http, answer.http.header("etag").value_or(""),
                      client_.now_ns());
  });
}

DeleteResult S3Store::remove(const DeleteRequest& request, const CallContext& context) {
  const S3Request built = build_.remove(request);
  const S3Answer answer = client_.send(built, context);
  if (request.if_match && answer.is(412)) return {Outcome::kPreconditionFailed, {}};
  if (is_absent(answer)) return {};
  client_.require_ok(built, answer);
  return {};
}

DeleteResult S3Store::deleted(const S3Request& built,
                              const std::optional<ServiceFailure>& failure) {
  if (!failure || failure->code == "NoSuchKey") return {};
  if (failure->code == "PreconditionFailed") return {Outcome::kPreconditionFailed, {}};
  return {Outcome::kOk, make_error(*failure, client_.site(built))};
}

void S3Store::remove_batch(std::span<const DeleteRequest* const> batch,
                           std::span<DeleteResult* const> results,
                           const CallContext& context) {
  if (batch.empty()) return;
  S3Request built = build_.remove_many(batch);
  S3Answer answer = client_.send(built, context);
  client_.require_ok(built, answer);
  std::vector<DeletedKey> answered = client_.interpret(
      built, [&] { return parse_deleted(std::move(answer.http.body)); });
  std::map<std::string_view, DeletedKey*> by_key;
  for (DeletedKey& key : answered) {
    if (key.failure) key.failure->credentials = answer.credentials;
    by_key[key.key] = &key;
  }
  for (std::size_t i = 0; i < batch.size(); ++i) {
    built.key = batch[i]->key.value;
    const auto found = by_key.find(built.key);
    if (found != by_key.end()) {
      *results[i] = deleted(built, found->second->failure);
      continue;
    }
    results[i]->error =
        Error(ErrorCode::kUnavailable,
              s3::describe(client_.site(built)) + ": the answer leaves this key out");
  }
}

bool fits_a_batch(const std::string& key) {
  return is_xml_text(key) && is_plain_path(key);
}

std::vector<DeleteResult> S3Store::remove_many(std::span<const DeleteRequest> requests,
                                               const CallContext& context) {
  std::vector<DeleteResult> results(requests.size());
  std::vector<const DeleteRequest*> batch;
  std::vector<DeleteResult*> batch_results;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (!fits_a_batch(requests[i].key.value)) continue;
    batch.push_back(&requests[i]);
    batch_results.push_back(&results[i]);
  }
  remove_batch(batch, batch_results, context);
  // Keys that XML cannot carry go one by one, and those that are refused fail by
  // themselves.
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (fits_a_batch(requests[i].key.value)) continue;
    try {
      results[i] = remove(requests[i], context);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kCancelled) throw;
      results[i].error = error;
    }
  }
  return results;
}

// CopyObject would put the copy into the default class, hence the look at the source.
PutResult S3Store::copy(const CopyRequest& request, const CallContext& context) {
  const std::optional<ObjectInfo> source = head(request.source, context);
  if (!source) return put_outcome(Outcome::kNotFound);
  if (request.source_if_match && source->token != *request.source_if_match) {
    return put_outcome(Outcome::kPreconditionFailed);
  }
  if (source->archived) return put_outcome(Outcome::kArchived);

  const S3Request built = build_.copy(request, source->storage_class);
  S3Answer answer = client_.send(built, context);
  const bool conditional = request.source_if_match || request.condition.any();
  if (conditional && answer.is(412)) return put_outcome(Outcome::kPreconditionFailed);
  if (is_absent(answer)) return put_outcome(Outcome::kNotFound);
  if (answer.is("InvalidObjectState")) return put_outcome(Outcome::kArchived);
  client_.require_ok(built, answer);
  return client_.interpret(built, [&] {
    const WrittenObject written = parse_written_object(std::move(answer.http.body));
    PutResult result = put_result(answer.http, written.etag, client_.now_ns());
    if (written.last_modified_ns) {
      result.last_modified_ns = *written.last_modified_ns;
      result.last_modified_exact = true;
    }
    return result;
  });
}

// HEAD has no body to say why; a listing of one key asks for the same right and tells.
void S3Store::explain_refused_head(const CallContext& context) {
  ListRequest one;
  one.max_keys = 1;
  list(one, context);
}

// Versions are a help: without an answer the work goes on as if there were none.
void S3Store::ask_versioning(BucketInfo& info, const CallContext& context) {
  const S3Request built = build_.get_versioning();
  try {
    S3Answer answer = client_.send(built, context);
    client_.require_ok(built, answer);
    info.versioned = client_.interpret(
        built, [&] { return parse_versioning_enabled(std::move(answer.http.body)); });
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled) throw;
    const int status = error.detail().http_status;
    // A right that few have, or a server that does not know the question: nothing to say.
    const bool usual = status == 403 || status == 405 || status == 501;
    if (usual) return;
    base::log().warn(
        "{} does not tell whether it keeps versions; it counts as without: {}",
        describe(), error.what());
  }
}

// Checksums of reads are a help too: a server that answers 501 to the header that asks
// for them is asked without it from then on.
S3Answer S3Store::send_read(S3Request built, const CallContext& context,
                            rest::Streams streams) {
  const bool asks = asks_checksums_.load(std::memory_order_relaxed);
  if (!asks) drop_checksum_mode(built);
  S3Answer answer = client_.send(built, context, streams);
  if (!asks || !answer.is(501)) return answer;
  drop_checksum_mode(built);
  answer = client_.send(built, context, streams);
  if (!answer.is(501) && asks_checksums_.exchange(false)) {
    base::log().warn("{} refuses to hear of checksums; they are not asked for any more",
                     describe());
  }
  return answer;
}

std::optional<VersionToken> S3Store::token_below_marker(const ObjectKey& key,
                                                        const CallContext& context) {
  S3Answer answer = client_.send(build_.list_versions(key), context);
  if (answer.failure) return std::nullopt;
  try {
    return parse_below_marker(std::move(answer.http.body), key.value);
  } catch (const Error&) {
    return std::nullopt;  // a server that does not know versions
  }
}

std::vector<std::string> S3Store::renounced() const {
  if (asks_checksums_) return {};
  return {kChecksumMode};
}

void S3Store::renounce(const std::vector<std::string>& helps) {
  if (std::find(helps.begin(), helps.end(), kChecksumMode) != helps.end())
    asks_checksums_ = false;
}

BucketInfo S3Store::describe_bucket(const CallContext& context) {
  const S3Request built = build_.head_bucket();
  const S3Answer answer = client_.send(built, context);
  BucketInfo info;
  if (answer.is(404)) return info;
  if (answer.failure && answer.failure->status >= 500)
    client_.fail(built, *answer.failure);
  if (answer.failure) explain_refused_head(context);
  info.exists = true;
  info.region = std::string(answer.http.header("x-amz-bucket-region").value_or(""));
  if (info.region.empty()) info.region = client_.region();
  ask_versioning(info, context);
  return info;
}

std::string credential(const StorageOptions& options, const std::string& name) {
  const auto found = options.credentials.find(name);
  return found == options.credentials.end() ? "" : found->second;
}

auth::AwsCredentialOptions credential_options(const StorageOptions& options,
                                              const S3Config& config) {
  auth::AwsCredentialOptions out;
  out.access_key_id = credential(options, "aws_access_key_id");
  out.secret_access_key = credential(options, "aws_secret_access_key");
  out.session_token = credential(options, "aws_session_token");
  out.profile = options.profile;
  out.anonymous = credential(options, "anonymous") == "true";
  out.region = config.aws ? config.region : "";
  // storage.ca_bundle is about another machine; those of environment and profile are
  // about all of AWS.
  out.ca_bundle = options.auth_ca_bundle;
  if (out.ca_bundle.empty() && options.ca_bundle.empty())
    out.ca_bundle = config.ca_bundle;
  out.use_fips_endpoint = options.use_fips_endpoint;
  out.use_dual_stack = options.use_dual_stack;
  return out;
}

http::CurlOptions curl_options(const StorageOptions& options, const S3Config& config) {
  http::CurlOptions out = rest::storage_tls(options);
  out.ca_bundle = config.ca_bundle;
  return out;
}

// Keys that are given need no file; what it could add (a region, an endpoint) is an
// extra that must not stand in their way.
auth::AwsConfigFiles config_files(const StorageOptions& options,
                                  const auth::Environment& environment) {
  const auto has = [&](const char* name) {
    return auth::environment_value(environment, name).has_value();
  };
  const bool has_keys = !credential(options, "aws_access_key_id").empty() ||
                        credential(options, "anonymous") == "true" ||
                        (has("AWS_ACCESS_KEY_ID") && has("AWS_SECRET_ACCESS_KEY"));
  const bool names_profile = !options.profile.empty() || has("AWS_PROFILE");
  if (!has_keys || names_profile) return auth::load_aws_config(environment);
  try {
    return auth::load_aws_config(environment);
  } catch (const Error& error) {
    base::log().warn("{}; the credentials do not come from there: going on without it",
                     error.what());
    return {};
  }
}

}  // namespace

std::unique_ptr<ObjectStore> make_s3_store(const StorageOptions& options,
                                           const auth::Environment& environment,
                                           S3Dependencies dependencies) {
  S3Config config =
      resolve_config(options, environment, config_files(options, environment));
  return std::make_unique<S3Store>(std::move(config), std::move(dependencies));
}

std::unique_ptr<ObjectStore> make_s3_store(const StorageOptions& options) {
  const auth::Environment environment = auth::process_environment();
  S3Config config =
      resolve_config(options, environment, config_files(options, environment));
  S3Dependencies world;
  world.transport = http::make_curl_transport(curl_options(options, config));
  world.credentials =
      auth::make_aws_credential_chain(credential_options(options, config), environment);
  return std::make_unique<S3Store>(std::move(config), std::move(world));
}

}  // namespace cloudsync::storage::s3

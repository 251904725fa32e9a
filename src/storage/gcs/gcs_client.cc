// SPDX-License-Identifier: Apache-2.0
#include "storage/gcs/gcs_client.h"

#include "base/log.h"
#include "storage/gcs/gcs_responses.h"

namespace cloudsync::storage::gcs {
namespace {

bool wants_body(const GcsRequest& request) {
  return rest::wants_body(request.method) || !request.session_url.empty();
}

// 308 is how a session says "go on".
bool is_success(const GcsRequest& request, int status) {
  return (status >= 200 && status < 300) ||
         (status == 308 && !request.session_url.empty());
}

}  // namespace

std::string GcsClient::fresh_boundary() const {
  return "cloudsync_" + base::random_hex_id(world_.random);
}

FailureSite GcsClient::site(const GcsRequest& request) const {
  return {request.operation, config_.bucket, request.key, config_.origin,
          config_.authenticate};
}

void GcsClient::fail(const GcsRequest& request, const ServiceFailure& failure) const {
  throw make_error(failure, site(request));
}

void GcsClient::require_ok(const GcsRequest& request, const GcsAnswer& answer) const {
  if (answer.failure) fail(request, *answer.failure);
}

std::optional<auth::AccessToken> GcsClient::token(const CallContext& context) {
  if (!config_.authenticate || world_.tokens == nullptr) return std::nullopt;
  return world_.tokens->token(context);
}

std::optional<auth::AccessToken> GcsClient::renewed(const auth::AccessToken& refused,
                                                    const CallContext& context) {
  world_.tokens->invalidate(refused);
  auto fresh = world_.tokens->token(context);
  if (fresh && fresh->value == refused.value) fresh.reset();
  return fresh;
}

http::HttpRequest GcsClient::to_http(const GcsRequest& request,
                                     const std::optional<auth::AccessToken>& token,
                                     ByteSource* body) const {
  http::HttpRequest out;
  out.method = request.method;
  out.url = request.session_url;
  if (out.url.empty()) {
    out.url =
        config_.origin + config_.base_path + request.path + encode_query(request.query);
  }
  out.headers = request.headers;
  if (token) {
    out.headers.emplace_back("authorization", "Bearer " + token->value);
    if (config_.user_project.empty() && !token->quota_project.empty())
      out.headers.emplace_back("x-goog-user-project", token->quota_project);
  }
  out.body = body;
  out.stall_seconds = request.stall_seconds;
  out.max_body_bytes = request.max_body_bytes;
  out.fresh_connection = request.fresh_connection;
  return out;
}

GcsAnswer GcsClient::send_once(const GcsRequest& request,
                               const std::optional<auth::AccessToken>& token,
                               const CallContext& context, const rest::Streams& streams) {
  MemorySource own_body(rest::bytes_of(request.text));
  ByteSource* body = streams.body;
  if (body == nullptr && wants_body(request)) body = &own_body;
  http::HttpRequest out = to_http(request, token, body);
  out.before_body = streams.before_body;
  GcsAnswer answer;
  try {
    const std::int64_t sent_ns = world_.clock.now_ns();
    answer.http = world_.transport->send(out, streams.sink, context);
    server_clock_.observe(answer.http, sent_ns, world_.clock.now_ns());
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnavailable) throw;
    throw error.with_context(describe(site(request)));
  }
  if (is_success(request, answer.http.status)) return answer;
  answer.failure = parse_failure(answer.http);
  if (!request.session_url.empty()) {
    // The id of a session is the secret in its URI.
    answer.failure->request_id.clear();
    answer.failure->message = base::redacted(answer.failure->message);
  }
  return answer;
}

GcsAnswer GcsClient::send(const GcsRequest& request, const CallContext& context,
                          rest::Streams streams) {
  context.throw_if_stopped();
  const auto first = token(context);
  GcsAnswer answer = send_once(request, first, context, streams);
  if (!answer.is(401) || !first) return answer;
  const auto fresh = renewed(*first, context);
  if (!fresh) return answer;
  context.throw_if_stopped();
  if (streams.body != nullptr) streams.body->rewind();
  return send_once(request, fresh, context, streams);
}

}  // namespace cloudsync::storage::gcs

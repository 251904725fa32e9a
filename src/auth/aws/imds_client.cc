// SPDX-License-Identifier: Apache-2.0
#include "auth/aws/imds_client.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <string_view>
#include <utility>

#include "auth/aws/credential_document.h"
#include "auth/blank.h"
#include "auth/service_words.h"
#include "base/byte_stream.h"
#include "base/encoding.h"
#include "base/log.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

constexpr char kTokenPath[] = "/latest/api/token";
constexpr char kRolePath[] = "/latest/meta-data/iam/security-credentials/";
constexpr char kTtlHeader[] = "x-aws-ec2-metadata-token-ttl-seconds";
constexpr std::int64_t kTokenSeconds = 21600;
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::size_t kLongestToken = 4096;
constexpr std::size_t kLongestRole = 256;

// Both become part of a request.
bool is_word(std::string_view text, std::size_t longest) {
  return !text.empty() && text.size() <= longest &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return c > ' ' && c < 0x7f; });
}

std::int64_t life_seconds(const http::HttpResponse& reply) {
  const auto text = reply.header(kTtlHeader);
  if (!text) return kTokenSeconds;
  std::int64_t value = 0;
  const auto result = std::from_chars(text->data(), text->data() + text->size(), value);
  return result.ec == std::errc() ? std::clamp<std::int64_t>(value, 0, kTokenSeconds)
                                  : kTokenSeconds;
}

bool fails(int status) { return status == 408 || status == 429 || status >= 500; }

}  // namespace

struct ImdsClient::Call {
  const ImdsConfig& config;
  const CallContext& context;

  std::string name() const {
    return "the instance metadata service at " + config.endpoint;
  }
  [[noreturn]] void fail(ErrorCode code, const std::string& what) const {
    throw Error(code, name() + " " + what);
  }
};

ImdsClient::Reply ImdsClient::send_once(const http::HttpRequest& request,
                                        const Call& call) const {
  CallContext limited = call.context;
  const auto end =
      world_.clock.steady_now() + std::chrono::seconds(call.config.timeout_seconds);
  limited.deadline = limited.deadline ? std::min(*limited.deadline, end) : end;
  try {
    return world_.transport->send(request, nullptr, limited);
  } catch (const Error& error) {
    const auto& deadline = call.context.deadline;
    const bool is_over = deadline && world_.clock.steady_now() >= *deadline;
    if (error.code() == ErrorCode::kCancelled || is_over) throw;
    return ImdsAbsent{std::string("no answer: ") + error.what() +
                          "; in a container on EC2 the instance's hop limit must be 2",
                      true};
  }
}

ImdsClient::Reply ImdsClient::send(const http::HttpRequest& request,
                                   const Call& call) const {
  for (int left = call.config.attempts;; --left) {
    if (request.body != nullptr) request.body->rewind();
    Reply reply = send_once(request, call);
    const auto* answer = std::get_if<http::HttpResponse>(&reply);
    if (answer != nullptr && !fails(answer->status)) return reply;
    if (left > 1) continue;
    if (answer == nullptr) return reply;
    call.fail(ErrorCode::kUnavailable, "failed: " + refusal_words(*answer));
  }
}

std::optional<ImdsAbsent> ImdsClient::require_token(const Call& call) {
  if (!token_.empty() && world_.clock.now_ns() < token_expires_ns_) return std::nullopt;
  token_.clear();
  http::HttpRequest request;
  MemorySource nothing{Bytes()};
  request.method = "PUT";
  request.url = call.config.endpoint + kTokenPath;
  request.headers = {{kTtlHeader, std::to_string(kTokenSeconds)}};
  request.body = &nothing;
  request.bypass_proxy = true;
  Reply reply = send(request, call);
  if (auto* absent = std::get_if<ImdsAbsent>(&reply)) return std::move(*absent);
  const auto& answer = std::get<http::HttpResponse>(reply);
  // 403 is how a switched-off service answers; what is no such service knows no PUT here.
  if (answer.status != 200) {
    return ImdsAbsent{"HTTP " + std::to_string(answer.status) +
                      (answer.status == 403 ? ", it is switched off for this instance"
                                            : ", it gives no session token")};
  }
  const std::string_view token = trim_blanks(answer.body);
  if (!is_word(token, kLongestToken)) {
    call.fail(ErrorCode::kUnauthenticated, "gave something that is no session token");
  }
  token_ = token;
  base::redact_secret(token_);
  token_expires_ns_ = world_.clock.now_ns() + life_seconds(answer) * kSecond;
  return std::nullopt;
}

ImdsClient::Reply ImdsClient::get(const std::string& path, const Call& call) {
  for (bool again = true;; again = false) {
    if (auto absent = require_token(call)) return *std::move(absent);
    http::HttpRequest request;
    request.method = "GET";
    request.url = call.config.endpoint + path;
    request.headers = {{"x-aws-ec2-metadata-token", token_}};
    request.bypass_proxy = true;
    Reply reply = send(request, call);
    const auto* answer = std::get_if<http::HttpResponse>(&reply);
    if (answer == nullptr || answer->status != 401) return reply;
    // The token was of an instance that has been stopped meanwhile, or it ran out.
    token_.clear();
    if (!again) call.fail(ErrorCode::kUnauthenticated, "refuses its own session token");
  }
}

std::variant<AwsCredentials, ImdsAbsent> ImdsClient::credentials(
    const ImdsConfig& config, const CallContext& context) {
  const Call call{config, context};
  Reply listed = get(kRolePath, call);
  if (auto* absent = std::get_if<ImdsAbsent>(&listed)) return std::move(*absent);
  const auto& list = std::get<http::HttpResponse>(listed);
  if (list.status == 404) return ImdsAbsent{"the instance has no IAM role"};
  const std::string_view body = list.body;
  const std::string role(trim_blanks(body.substr(0, body.find('\n'))));
  if (list.status != 200 || !is_word(role, kLongestRole)) {
    call.fail(ErrorCode::kUnauthenticated,
              "named no role: HTTP " + std::to_string(list.status));
  }
  Reply given = get(kRolePath + base::percent_encode(role), call);
  if (auto* absent = std::get_if<ImdsAbsent>(&given)) return std::move(*absent);
  const auto& answer = std::get<http::HttpResponse>(given);
  if (answer.status != 200) {
    call.fail(ErrorCode::kUnauthenticated,
              "gave no credentials of role " + role + ": " + refusal_words(answer));
  }
  return parse_metadata_credentials(answer.body, "role " + role + " of " + call.name());
}

}  // namespace cloudsync::auth

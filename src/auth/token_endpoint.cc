// SPDX-License-Identifier: Apache-2.0
#include "auth/token_endpoint.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <optional>
#include <span>
#include <string_view>

#include "auth/service_words.h"
#include "auth/url_host.h"
#include "base/byte_stream.h"
#include "base/encoding.h"
#include "base/log.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

using nlohmann::json;

constexpr std::int64_t kSecond = 1'000'000'000;
// A year; no service gives more, and what a stranger says must not overflow.
constexpr std::int64_t kLongestLife = std::int64_t{366} * 24 * 3600;

// Where the vendors' metadata services are; Azure gives those of App Service other
// link-local addresses through its own environment variables.
bool stays_on_this_machine(std::string_view host, bool metadata_service) {
  constexpr std::array<std::string_view, 6> kFixed = {
      "169.254.169.254", "169.254.170.2",   "169.254.170.23",
      "[fd00:ec2::23]",  "[fd00:ec2::254]", "metadata.google.internal"};
  return is_loopback_host(host) ||
         std::find(kFixed.begin(), kFixed.end(), host) != kFixed.end() ||
         (metadata_service && is_link_local_host(host));
}

void require_private(const CredentialRequest& request) {
  const bool https = request.url.starts_with("https://");
  if (https && !url_host(request.url).empty()) return;
  if (https) {
    throw Error(ErrorCode::kInvalidArgument, request.purpose + ": the URL " +
                                                 shown_url(request.url) +
                                                 " must have a host and no user name");
  }
  const bool http = request.url.starts_with("http://");
  if (http && stays_on_this_machine(url_host(request.url), request.bypass_proxy)) return;
  throw Error(ErrorCode::kInvalidArgument,
              request.purpose + ": the URL " + shown_url(request.url) +
                  " must begin with https://; only loopback and metadata addresses may "
                  "be asked over plain http");
}

CallContext limited(const CallContext& context, int seconds) {
  CallContext out = context;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  out.deadline = out.deadline ? std::min(*out.deadline, end) : end;
  return out;
}

bool may_pass(int status) { return status == 408 || status == 429 || status >= 500; }

std::string place_of(const CredentialRequest& request) {
  return request.purpose + " from " + shown_url(request.url);
}

// "" where the document has no such text.
std::string text_of(const json& document, const char* name) {
  const auto found = document.find(name);
  return found != document.end() && found->is_string() ? found->get<std::string>() : "";
}

std::optional<std::int64_t> seconds_of(const json& document) {
  const auto found = document.find("expires_in");
  if (found == document.end()) return std::nullopt;
  if (found->is_number()) {
    const auto limit = static_cast<double>(kLongestLife);
    return static_cast<std::int64_t>(std::clamp(found->get<double>(), 0.0, limit));
  }
  if (!found->is_string()) return std::nullopt;
  const auto& text = found->get_ref<const std::string&>();
  std::int64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return std::clamp<std::int64_t>(value, 0, kLongestLife);
}

// It becomes a header's value.
bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return c > ' ' && c < '\x7f'; });
}

bool is_over(const CallContext& context) {
  return context.deadline && std::chrono::steady_clock::now() >= *context.deadline;
}

// A failure of the exchange in the words of whoever wanted it. This exchange's own time
// limit is the service's fault, the caller's deadline is not.
Error explained(const Error& error, const CredentialRequest& request,
                const CallContext& context) {
  if (error.code() == ErrorCode::kDeadlineExceeded && !is_over(context)) {
    return Error(ErrorCode::kUnavailable, place_of(request) + ": " + error.what());
  }
  return error.with_context(place_of(request));
}

}  // namespace

std::string encode_form(const Form& form) {
  std::string out;
  for (const auto& [name, value] : form) {
    if (!out.empty()) out += '&';
    out += base::percent_encode(name, false) + "=" + base::percent_encode(value, false);
  }
  return out;
}

CredentialRequest form_request(std::string url, const Form& form, std::string purpose) {
  CredentialRequest request;
  request.url = std::move(url);
  request.headers = {{"content-type", "application/x-www-form-urlencoded"},
                     {"accept", "application/json"}};
  request.body = encode_form(form);
  request.purpose = std::move(purpose);
  return request;
}

http::HttpResponse exchange(http::HttpTransport& transport,
                            const CredentialRequest& request,
                            const CallContext& context) {
  require_private(request);
  MemorySource body(std::as_bytes(std::span(request.body)));
  http::HttpRequest out;
  out.method = request.method;
  out.url = request.url;
  out.headers = request.headers;
  if (request.method != "GET") out.body = &body;
  out.bypass_proxy = request.bypass_proxy;
  out.stall_seconds = request.timeout_seconds;
  http::HttpResponse reply;
  try {
    reply = transport.send(out, nullptr, limited(context, request.timeout_seconds));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled) throw;
    throw explained(error, request, context);
  }
  if (!may_pass(reply.status)) return reply;
  throw Error(ErrorCode::kUnavailable,
              place_of(request) + " failed: " + refusal_words(reply),
              {reply.status, {}, {}, {}});
}

AccessToken parse_token_reply(const http::HttpResponse& reply,
                              const CredentialRequest& request,
                              const base::Clock& clock) {
  const json document = json::parse(reply.body, nullptr, false);
  const bool good = reply.status >= 200 && reply.status < 300 && document.is_object();
  AccessToken token;
  if (good) token.value = text_of(document, "access_token");
  if (!is_token(token.value)) {
    throw Error(ErrorCode::kUnauthenticated,
                place_of(request) + (good ? " came without a usable access_token: HTTP " +
                                                std::to_string(reply.status)
                                          : " was refused: " + refusal_words(reply)),
                {reply.status, {}, {}, {}});
  }
  base::redact_secret(token.value);
  if (const auto seconds = seconds_of(document)) {
    token.expires_ns = clock.now_ns() + *seconds * kSecond;
  }
  return token;
}

}  // namespace cloudsync::auth

// SPDX-License-Identifier: Apache-2.0
#include "auth/google/metadata_server.h"

#include "auth/google/oauth_exchange.h"
#include "auth/token_endpoint.h"
#include "base/encoding.h"
#include "cloudsync/error.h"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace cloudsync::auth::google {
namespace {

constexpr char kHost[] = "metadata.google.internal";
// Where the probe goes: looking up the name can take half a minute elsewhere.
constexpr char kAddress[] = "169.254.169.254";
constexpr int kProbeSeconds = 3;
constexpr int kLongestProbeSeconds = 60;

std::string host_from(const Environment& environment, const char* variable) {
  const std::string host = environment_value(environment, variable).value_or("");
  const bool plain = std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(".-_:[]").find(c) != std::string_view::npos;
  });
  if (plain) return host;
  throw Error(ErrorCode::kInvalidArgument, std::string(variable) +
                                               " must be HOST or HOST:PORT, not \"" +
                                               base::printable(host) + "\"");
}

std::string named_host(const Environment& environment) {
  const std::string host = host_from(environment, "GCE_METADATA_HOST");
  return host.empty() ? host_from(environment, "GCE_METADATA_ROOT") : host;
}

std::string probe_host(const Environment& environment) {
  const std::string address = host_from(environment, "GCE_METADATA_IP");
  return address.empty() ? kAddress : address;
}

int probe_seconds(const Environment& environment) {
  const auto text = environment_value(environment, "GCE_METADATA_TIMEOUT").value_or("");
  int seconds = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), seconds);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && seconds > 0 ? std::min(seconds, kLongestProbeSeconds) : kProbeSeconds;
}

bool has_flavor(const http::HttpResponse& reply) {
  return reply.header("metadata-flavor") == "Google";
}

bool is_over(const CallContext& context) {
  return context.deadline && std::chrono::steady_clock::now() >= *context.deadline;
}

}  // namespace

MetadataServer::MetadataServer(const GoogleWorld& world, std::string scope)
    : world_(world),
      scope_(std::move(scope)),
      named_host_(named_host(world.environment)),
      probe_host_(probe_host(world.environment)),
      probe_seconds_(probe_seconds(world.environment)) {}

// Not by exchange(): a server that answers 503 is there, one that does not answer is not.
std::optional<std::string> MetadataServer::absence(const CallContext& context) const {
  if (!named_host_.empty()) return std::nullopt;
  http::HttpRequest request;
  request.method = "GET";
  request.url = "http://" + probe_host_ + "/";
  request.headers = {{"metadata-flavor", "Google"}};
  request.bypass_proxy = true;
  request.stall_seconds = probe_seconds_;
  CallContext limited = context;
  const auto end =
      std::chrono::steady_clock::now() + std::chrono::seconds(probe_seconds_);
  limited.deadline = context.deadline ? std::min(*context.deadline, end) : end;
  try {
    const auto reply = world_.transport->send(request, nullptr, limited);
    if (has_flavor(reply)) return std::nullopt;
    return "what answers at " + probe_host_ + " is not Google's";
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled || is_over(context)) throw;
    return "no answer at " + probe_host_;
  }
}

AccessToken MetadataServer::fetch(const CallContext& context) {
  const std::string host = named_host_.empty() ? kHost : named_host_;
  const std::string origin =
      "the machine's service account (metadata server " + host + ")";
  CredentialRequest request;
  request.method = "GET";
  request.url = "http://" + host +
                "/computeMetadata/v1/instance/service-accounts/default/token?scopes=" +
                base::percent_encode(scope_, false);
  request.headers = {{"metadata-flavor", "Google"}};
  request.bypass_proxy = true;
  request.purpose = "the token of " + origin;
  const auto reply = exchange(*world_.transport, request, context);
  if (!has_flavor(reply)) {
    throw Error(ErrorCode::kUnauthenticated,
                request.purpose +
                    ": the answer has no header Metadata-Flavor: Google, so "
                    "it is not from Google's metadata server; check GCE_METADATA_HOST");
  }
  AccessToken token = read_token(
      reply, request,
      "attach a service account with the scope cloud-platform or devstorage to this "
      "machine",
      world_.clock);
  token.origin = origin;
  return token;
}

}  // namespace cloudsync::auth::google

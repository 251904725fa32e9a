// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/imds_token.h"

#include <nlohmann/json.hpp>

#include "auth/azure/entra_errors.h"
#include "auth/azure/entra_exchange.h"
#include "auth/azure/managed_identity_request.h"
#include "auth/service_words.h"
#include "auth/url_host.h"
#include "base/encoding.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

constexpr int kSuccess = 200;
constexpr int kBadRequest = 400;
constexpr int kNotFound = 404;
constexpr int kGone = 410;
constexpr int kProbeSeconds = 1;

std::string endpoint_of(const Environment& environment) {
  std::string host = environment_value(environment, "AZURE_POD_IDENTITY_AUTHORITY_HOST")
                         .value_or("http://169.254.169.254");
  if (host.find("://") == std::string::npos) host.insert(0, "http://");
  while (host.ends_with('/')) host.pop_back();
  return host + "/metadata/identity/oauth2/token";
}

bool is_json_object(const std::string& text) {
  return nlohmann::json::parse(text, nullptr, false).is_object();
}

// Why there is no such service; "" when it is there. Asked without the header Metadata it
// refuses at once, whereas a token may take it seconds. Other clouds answer at the same
// address, but not in JSON.
std::string absence_of_service(const EntraWorld& world, CredentialRequest request,
                               const CallContext& context) {
  request.headers.clear();
  request.timeout_seconds = kProbeSeconds;
  const std::string place = shown_url(request.url);
  try {
    const http::HttpResponse reply = exchange(*world.transport, request, context);
    if (is_json_object(reply.body)) return {};
    return "what answers at " + place + " is not Azure's metadata service (HTTP " +
           std::to_string(reply.status) + ")";
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnavailable) throw;
    if (error.detail().http_status != 0) return {};
    return "no metadata service answers at " + place;
  }
}

Error not_ready(const http::HttpResponse& reply, const CredentialRequest& request) {
  return {
      ErrorCode::kUnavailable,
      request.purpose + ": the metadata service is not ready: " + refusal_words(reply),
      {reply.status, {}, {}, {}}};
}

}  // namespace

TokenAttempt fetch_imds_token(const EntraWorld& world, const std::string& client_id,
                              bool probe, const CallContext& context) {
  CredentialRequest request = metadata_request(
      {endpoint_of(world.environment), "2018-02-01", "client_id", client_id,
       "the managed identity " +
           (client_id.empty() ? "" : base::printable(client_id) + " ") +
           "of this machine"});
  request.headers = {{"Metadata", "true"}};
  if (probe) {
    std::string reason = absence_of_service(world, request, context);
    if (!reason.empty()) return absent(std::move(reason));
  }
  const http::HttpResponse reply = exchange(*world.transport, request, context);
  if (reply.status == kSuccess) {
    return {parse_metadata_token(reply, request, world), {}};
  }
  if (reply.status == kNotFound || reply.status == kGone) throw not_ready(reply, request);
  if (reply.status == kBadRequest) {
    return absent("no identity" + (client_id.empty() ? "" : " " + client_id) +
                  " is assigned to this machine: " + refusal_words(reply));
  }
  throw metadata_refusal(reply, request,
                         "see the identities of this machine in the portal");
}

}  // namespace cloudsync::auth

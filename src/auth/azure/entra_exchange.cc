// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/entra_exchange.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

#include "auth/azure/expiry_text.h"
#include "auth/service_words.h"
#include "auth/url_host.h"
#include "base/encoding.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

using nlohmann::json;

constexpr char kPublicAuthority[] = "https://login.microsoftonline.com";
constexpr int kSuccess = 200;

bool is_tenant(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '.' || c == '-';
  });
}

std::optional<std::int64_t> expires_on(const std::string& body) {
  const json document = json::parse(body, nullptr, false);
  if (!document.is_object()) return std::nullopt;
  const auto found = document.find("expires_on");
  if (found == document.end()) return std::nullopt;
  if (found->is_string()) return parse_expires_on(found->get_ref<const std::string&>());
  return found->is_number_integer() ? parse_expires_on(found->dump()) : std::nullopt;
}

}  // namespace

std::string authority_host(const Environment& environment) {
  std::string host =
      environment_value(environment, "AZURE_AUTHORITY_HOST").value_or(kPublicAuthority);
  if (host.find("://") == std::string::npos) host.insert(0, "https://");
  while (host.ends_with('/')) host.pop_back();
  return host;
}

std::string token_url(const Environment& environment, const EntraSetting& tenant) {
  if (!is_tenant(tenant.value)) {
    throw Error(ErrorCode::kInvalidArgument,
                "\"" + base::printable(tenant.value) + "\" in " + tenant.origin +
                    " is no tenant: give its ID or its domain name");
  }
  return authority_host(environment) + "/" + tenant.value + "/oauth2/v2.0/token";
}

BearerToken fetch_client_token(const EntraWorld& world, const EntraSubject& subject,
                               const Form& proof, const CallContext& context) {
  Form form = {{"grant_type", "client_credentials"},
               {"client_id", subject.client.value},
               {"scope", kStorageScope}};
  form.insert(form.end(), proof.begin(), proof.end());
  const CredentialRequest request =
      form_request(token_url(world.environment, subject.tenant), form,
                   "the token of " + subject_name(subject));
  const http::HttpResponse reply = exchange(*world.transport, request, context);
  if (reply.status != kSuccess) throw entra_refusal(reply, request, subject);
  AccessToken token = parse_token_reply(reply, request, world.clock);
  return {std::move(token.value), token.expires_ns,
          subject_name(subject) + " with " + subject.proof};
}

BearerToken parse_metadata_token(const http::HttpResponse& reply,
                                 const CredentialRequest& request,
                                 const EntraWorld& world) {
  AccessToken token = parse_token_reply(reply, request, world.clock);
  if (!token.expires_ns) token.expires_ns = expires_on(reply.body);
  return {std::move(token.value), token.expires_ns, request.purpose};
}

Error metadata_refusal(const http::HttpResponse& reply, const CredentialRequest& request,
                       const std::string& advice) {
  return {ErrorCode::kUnauthenticated,
          request.purpose + " was refused by " + shown_url(request.url) + ": " +
              refusal_words(reply) + "; " + advice,
          {reply.status, {}, {}, {}}};
}

}  // namespace cloudsync::auth

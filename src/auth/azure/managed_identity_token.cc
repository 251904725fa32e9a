// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/managed_identity_token.h"

#include <optional>
#include <utility>

#include "auth/azure/arc_token.h"
#include "auth/azure/entra_exchange.h"
#include "auth/azure/imds_token.h"
#include "auth/azure/managed_identity_request.h"
#include "base/encoding.h"
#include "base/log.h"

namespace cloudsync::auth {
namespace {

constexpr int kSuccess = 200;

std::string identity_name(const std::string& client_id, const std::string& place) {
  const std::string which = client_id.empty()
                                ? "the managed identity"
                                : "the managed identity " + base::printable(client_id);
  return which + " of " + place;
}

BearerToken ask(const EntraWorld& world, const CredentialRequest& request,
                const CallContext& context) {
  const http::HttpResponse reply = exchange(*world.transport, request, context);
  if (reply.status == kSuccess) return parse_metadata_token(reply, request, world);
  throw metadata_refusal(reply, request,
                         "see that the identity is assigned to this place, and that "
                         "client_id (or AZURE_CLIENT_ID) is the identity's client ID");
}

// App Service, Functions, Container Apps; Azure Machine Learning still in its form before
// 2019.
struct AppService {
  std::string endpoint;
  std::string secret;
  std::string api_version = "2019-08-01";
  std::string id_name = "client_id";
  std::string secret_header = "X-IDENTITY-HEADER";
};

BearerToken ask_app_service(const EntraWorld& world, const AppService& service,
                            const std::string& client_id, const CallContext& context) {
  base::redact_secret(service.secret);
  CredentialRequest request =
      metadata_request({service.endpoint, service.api_version, service.id_name, client_id,
                        identity_name(client_id, "this App Service")});
  request.headers = {{service.secret_header, service.secret}};
  return ask(world, request, context);
}

BearerToken ask_cloud_shell(const EntraWorld& world, const std::string& endpoint,
                            const CallContext& context) {
  CredentialRequest request = form_request(endpoint, {{"resource", kStorageResource}},
                                           identity_name({}, "this Cloud Shell"));
  request.headers.emplace_back("Metadata", "true");
  request.bypass_proxy = true;
  return ask(world, request, context);
}

struct Places {
  std::string identity_endpoint;
  std::string identity_header;
  std::string imds_endpoint;
  std::string msi_endpoint;
  std::string msi_secret;
};

Places places_of(const Environment& environment) {
  const auto value = [&](const char* name) {
    return environment_value(environment, name).value_or("");
  };
  return {value("IDENTITY_ENDPOINT"), value("IDENTITY_HEADER"), value("IMDS_ENDPOINT"),
          value("MSI_ENDPOINT"), value("MSI_SECRET")};
}

std::optional<AppService> app_service_of(const Places& places) {
  if (!places.identity_endpoint.empty() && !places.identity_header.empty()) {
    return AppService{places.identity_endpoint, places.identity_header};
  }
  if (!places.msi_endpoint.empty() && !places.msi_secret.empty()) {
    return AppService{places.msi_endpoint, places.msi_secret, "2017-09-01", "clientid",
                      "secret"};
  }
  return std::nullopt;
}

TokenAttempt fetch(const EntraWorld& world, const EntraIdentity& identity, bool probe,
                   const CallContext& context) {
  const Places places = places_of(world.environment);
  const std::string client =
      find_setting(identity.client_id, "client_id", world.environment, "AZURE_CLIENT_ID")
          .value;
  if (const auto service = app_service_of(places)) {
    return {ask_app_service(world, *service, client, context), {}};
  }
  const bool cloud_shell = !places.msi_endpoint.empty();
  const bool arc = !places.identity_endpoint.empty() && !places.imds_endpoint.empty();
  if ((cloud_shell || arc) && !client.empty()) {
    return absent(std::string(cloud_shell ? "Cloud Shell" : "Azure Arc") +
                  " has no user-assigned identities; remove client_id (or "
                  "AZURE_CLIENT_ID)");
  }
  if (cloud_shell) return {ask_cloud_shell(world, places.msi_endpoint, context), {}};
  if (arc) return {fetch_arc_token(world, places.identity_endpoint, context), {}};
  return fetch_imds_token(world, client, probe, context);
}

}  // namespace

EntraSource make_managed_identity_source(const EntraWorld& world,
                                         const EntraIdentity& identity, bool probe) {
  return {"managed identity",
          [world, identity, probe](const CallContext& context) mutable {
            TokenAttempt attempt = fetch(world, identity, probe, context);
            // What was there once is waited for.
            if (attempt.token) probe = false;
            return attempt;
          }};
}

}  // namespace cloudsync::auth

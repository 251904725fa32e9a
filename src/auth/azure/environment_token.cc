// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/environment_token.h"

#include <optional>

#include "auth/azure/client_certificate_token.h"
#include "auth/azure/client_secret_token.h"
#include "base/encoding.h"

namespace cloudsync::auth {
namespace {

constexpr char kTenant[] = "AZURE_TENANT_ID";
constexpr char kClient[] = "AZURE_CLIENT_ID";
constexpr char kSecret[] = "AZURE_CLIENT_SECRET";
constexpr char kCertificate[] = "AZURE_CLIENT_CERTIFICATE_PATH";

bool contradicts(const EntraWorld& world, const char* variable,
                 const EntraSetting& used) {
  const auto value = environment_value(world.environment, variable);
  return value && *value != used.value;
}

TokenAttempt fetch(const EntraWorld& world, const EntraIdentity& identity,
                   const CallContext& context) {
  EntraSubject subject;
  subject.tenant =
      find_setting(identity.tenant_id, "tenant_id", world.environment, kTenant);
  subject.client =
      find_setting(identity.client_id, "client_id", world.environment, kClient);
  if (subject.tenant.value.empty()) return absent(std::string(kTenant) + " is not set");
  if (subject.client.value.empty()) return absent(std::string(kClient) + " is not set");
  const auto secret = environment_value(world.environment, kSecret);
  const auto certificate = environment_value(world.environment, kCertificate);
  if (!secret && !certificate) {
    return absent(std::string("neither ") + kSecret + " nor " + kCertificate + " is set");
  }
  if (contradicts(world, kTenant, subject.tenant) ||
      contradicts(world, kClient, subject.client)) {
    return absent("the variables belong to another application than storage.credentials");
  }
  if (secret) {
    subject.proof = std::string("the secret in the environment variable ") + kSecret;
    return {fetch_client_secret_token(world, subject, *secret, context), {}};
  }
  subject.proof =
      "the certificate " + base::printable(*certificate) + " (" + kCertificate + ")";
  return {fetch_client_certificate_token(world, subject, *certificate, context), {}};
}

}  // namespace

EntraSource make_entra_environment_source(const EntraWorld& world,
                                          const EntraIdentity& identity) {
  return {"environment", [world, identity](const CallContext& context) {
            return fetch(world, identity, context);
          }};
}

}  // namespace cloudsync::auth

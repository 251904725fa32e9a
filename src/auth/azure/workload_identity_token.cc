// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/workload_identity_token.h"

#include "auth/azure/client_certificate_token.h"
#include "auth/azure/entra_exchange.h"
#include "auth/small_file.h"
#include "base/encoding.h"

namespace cloudsync::auth {
namespace {

constexpr char kFile[] = "AZURE_FEDERATED_TOKEN_FILE";
constexpr std::size_t kLongestToken = std::size_t{64} << 10;

TokenAttempt fetch(const EntraWorld& world, const EntraIdentity& identity,
                   const CallContext& context) {
  const auto path = environment_value(world.environment, kFile);
  if (!path) return absent(std::string(kFile) + " is not set");
  EntraSubject subject;
  subject.tenant =
      find_setting(identity.tenant_id, "tenant_id", world.environment, "AZURE_TENANT_ID");
  subject.client =
      find_setting(identity.client_id, "client_id", world.environment, "AZURE_CLIENT_ID");
  if (subject.tenant.value.empty()) return absent("AZURE_TENANT_ID is not set");
  if (subject.client.value.empty()) return absent("AZURE_CLIENT_ID is not set");
  subject.proof = "the token file " + base::printable(*path) + " (" + kFile + ")";
  const std::string assertion =
      read_secret_line({*path, "the federated token file", kLongestToken});
  return {fetch_client_token(world, subject, assertion_form(assertion), context), {}};
}

}  // namespace

EntraSource make_workload_identity_source(const EntraWorld& world,
                                          const EntraIdentity& identity) {
  return {"workload identity", [world, identity](const CallContext& context) {
            return fetch(world, identity, context);
          }};
}

}  // namespace cloudsync::auth

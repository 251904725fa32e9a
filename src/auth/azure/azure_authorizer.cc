// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/azure_authorizer.h"

#include "auth/azure/bearer_authorizer.h"
#include "auth/azure/sas_authorizer.h"
#include "auth/azure/shared_key_authorizer.h"

namespace cloudsync::auth {
namespace {

class AnonymousAuthorizer final : public AzureAuthorizer {
 public:
  void authorize(http::HttpRequest&, std::uint64_t, const CallContext&) override {}
  bool renew(const http::HttpRequest&, const CallContext&) override { return false; }
  std::string origin() const override { return "anonymous access"; }
};

}  // namespace

std::unique_ptr<AzureAuthorizer> make_azure_authorizer(
    const AzureAccount& account, const AzureCredentialOptions& options,
    AzureWorld world) {
  if (options.anonymous) return std::make_unique<AnonymousAuthorizer>();
  if (!account.account_key.empty()) return make_shared_key_authorizer(account);
  if (!account.sas_token.empty()) return make_sas_authorizer(account, world.clock);
  return make_bearer_authorizer(options, {.environment = world.environment,
                                          .transport = world.transport,
                                          .clock = world.clock});
}

}  // namespace cloudsync::auth

// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/azure_account.h"
#include "http/curl_transport.h"
#include "storage/azure/azure_config.h"
#include "storage/azure/azure_container_store.h"
#include "storage/azure/azure_store.h"
#include "storage/rest/plain_http.h"
#include "storage/rest/tls_options.h"

#include <utility>

namespace cloudsync::storage::azure {
namespace {

rest::Identity identity_of(const auth::AzureAccount& account,
                           const auth::AzureCredentialOptions& credentials) {
  if (credentials.anonymous) return rest::Identity::kNone;
  return account.account_key.empty() ? rest::Identity::kToken
                                     : rest::Identity::kSignature;
}

}  // namespace

std::unique_ptr<ObjectStore> make_azure_store(const StorageOptions& options,
                                              const auth::Environment& environment,
                                              AzureDependencies dependencies) {
  const auth::AzureCredentialOptions credentials = credential_options(options);
  auth::AzureAccount account = auth::resolve_azure_account(credentials, environment);
  AzureConfig config = resolve_config(options, account);
  // From here on the one that is really asked, whoever named it.
  account.name = config.account;
  account.blob_endpoint = config.endpoint();
  if (!dependencies.authorizer) {
    rest::check_plain_http(options, config.origin, identity_of(account, credentials));
    if (!dependencies.token_transport)
      dependencies.token_transport = dependencies.transport;
    dependencies.authorizer = auth::make_azure_authorizer(
        account, credentials,
        {environment, dependencies.token_transport, dependencies.clock});
  }
  return std::make_unique<AzureStore>(std::move(config), std::move(dependencies));
}

std::unique_ptr<ObjectStore> make_azure_store(const StorageOptions& options) {
  AzureDependencies world;
  world.transport = http::make_curl_transport(rest::storage_tls(options));
  world.token_transport = http::make_curl_transport(rest::token_tls(options));
  return make_azure_store(options, auth::process_environment(), std::move(world));
}

}  // namespace cloudsync::storage::azure

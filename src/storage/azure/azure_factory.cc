// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/azure_account.h"
#include "http/curl_transport.h"
#include "storage/azure/azure_config.h"
#include "storage/azure/azure_container_store.h"
#include "storage/azure/azure_store.h"

#include <utility>

namespace cloudsync::storage::azure {
namespace {

http::CurlOptions curl_options(const StorageOptions& options) {
  http::CurlOptions out;
  out.ca_bundle = options.ca_bundle;
  out.verify_tls = options.verify_tls;
  return out;
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
    dependencies.authorizer = auth::make_azure_authorizer(
        account, credentials, {environment, dependencies.transport, dependencies.clock});
  }
  return std::make_unique<AzureStore>(std::move(config), std::move(dependencies));
}

// Credentials and store share the transport: one TLS setting, one pool of connections.
std::unique_ptr<ObjectStore> make_azure_store(const StorageOptions& options) {
  AzureDependencies world;
  world.transport = http::make_curl_transport(curl_options(options));
  return make_azure_store(options, auth::process_environment(), std::move(world));
}

}  // namespace cloudsync::storage::azure

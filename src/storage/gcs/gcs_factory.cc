// SPDX-License-Identifier: Apache-2.0
#include "auth/google/google_credentials.h"
#include "http/curl_transport.h"
#include "storage/gcs/gcs_config.h"
#include "storage/gcs/gcs_store.h"
#include "storage/rest/tls_options.h"

namespace cloudsync::storage::gcs {

std::unique_ptr<ObjectStore> make_gcs_store(const StorageOptions& options) {
  const auth::Environment environment = auth::process_environment();
  const GcsConfig config = resolve_config(options, environment);
  GcsDependencies world;
  world.transport = http::make_curl_transport(rest::storage_tls(options));
  auth::GoogleCredentialOptions credentials;
  credentials.anonymous = !config.authenticate;
  const auto file = options.credentials.find("service_account_file");
  if (file != options.credentials.end()) credentials.service_account_file = file->second;
  world.tokens = auth::make_google_credentials(
      credentials, {environment, http::make_curl_transport(rest::token_tls(options))});
  return make_gcs_store(options, environment, std::move(world));
}

}  // namespace cloudsync::storage::gcs

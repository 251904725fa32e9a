// SPDX-License-Identifier: Apache-2.0
#include "auth/google/google_credentials.h"
#include "http/curl_transport.h"
#include "storage/gcs/gcs_config.h"
#include "storage/gcs/gcs_store.h"

namespace cloudsync::storage::gcs {

std::unique_ptr<ObjectStore> make_gcs_store(const StorageOptions& options) {
  const auth::Environment environment = auth::process_environment();
  const GcsConfig config = resolve_config(options, environment);
  http::CurlOptions curl;
  curl.ca_bundle = config.ca_bundle;
  curl.verify_tls = config.verify_tls;
  GcsDependencies world;
  world.transport = http::make_curl_transport(curl);
  auth::GoogleCredentialOptions credentials;
  credentials.anonymous = !config.authenticate;
  const auto file = options.credentials.find("service_account_file");
  if (file != options.credentials.end()) credentials.service_account_file = file->second;
  world.tokens =
      auth::make_google_credentials(credentials, {environment, world.transport});
  return make_gcs_store(options, environment, std::move(world));
}

}  // namespace cloudsync::storage::gcs

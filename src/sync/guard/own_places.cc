// SPDX-License-Identifier: Apache-2.0
#include "sync/guard/own_places.h"

#include <string_view>
#include <utility>

namespace cloudsync::sync {

namespace {

using Reach = OwnPlace::Reach;

// The variables of the services' tools, of libpq and of libcurl that name a file with a
// secret, a token or the authorities to trust.
constexpr std::string_view kFileVariables[] = {
    "CLOUDSYNC_CONFIG",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_CONFIG_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CA_BUNDLE",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE",
    "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE",
    "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_AUTH_LOCATION",
    "PGPASSFILE",
    "PGSERVICEFILE",
    "PGSSLKEY",
    "PGSSLCERT",
    "PGSSLROOTCERT",
    "NETRC",
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
};
constexpr std::string_view kFolderVariables[] = {"CLOUDSDK_CONFIG", "AZURE_CONFIG_DIR"};

constexpr std::string_view kHomeFiles[] = {".netrc", ".pgpass", ".pg_service.conf",
                                           ".config/cloudsync/config.yaml"};
constexpr std::string_view kHomeFolders[] = {".aws", ".azure", ".config/gcloud"};

class Collector {
 public:
  void add(const std::string& path, Reach reach) {
    if (!path.empty()) places_.push_back({path, reach});
  }
  void add(const std::optional<std::string>& path, Reach reach) {
    if (path) add(*path, reach);
  }
  std::vector<OwnPlace> take() { return std::move(places_); }

 private:
  std::vector<OwnPlace> places_;
};

}  // namespace

std::vector<OwnPlace> own_places(const StorageOptions& storage,
                                 const std::string& database_path,
                                 const std::vector<std::string>& named,
                                 const Environment& environment) {
  Collector places;
  places.add(database_path, Reach::kDatabase);
  for (const auto& path : named) places.add(path, Reach::kFile);
  if (const auto folder = state_folder(environment); !folder.empty())
    places.add(folder + "/roots", Reach::kFolder);
  places.add(storage.ca_bundle, Reach::kFile);
  if (const auto key = storage.credentials.find("service_account_file");
      key != storage.credentials.end()) {
    places.add(key->second, Reach::kFile);
  }
  for (const auto name : kFileVariables)
    places.add(environment(std::string(name)), Reach::kFile);
  for (const auto name : kFolderVariables)
    places.add(environment(std::string(name)), Reach::kFolder);
  const auto home = environment("HOME");
  if (!home || home->empty()) return places.take();
  for (const auto name : kHomeFiles)
    places.add(*home + "/" + std::string(name), Reach::kFile);
  for (const auto name : kHomeFolders)
    places.add(*home + "/" + std::string(name), Reach::kFolder);
  return places.take();
}

}  // namespace cloudsync::sync

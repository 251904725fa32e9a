// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "auth/azure/azure_account.h"
#include "cloudsync/cloud_storage.h"
#include "storage/object_store.h"

namespace cloudsync::storage::azure {

// What options, environment and connection string say about one container, resolved.
struct AzureConfig {
  std::string container;
  std::string account;
  std::string origin;     // "https://ACCOUNT.blob.core.windows.net"
  std::string base_path;  // "/ACCOUNT" with path style, else "" (or the endpoint's path)
  bool azure = true;      // an endpoint of the real service, whichever way it was named
  std::string storage_class;  // access tier for writes that name none
  Capabilities capabilities;

  std::string endpoint() const { return origin + base_path; }
};

// By the names of the configuration file.
auth::AzureCredentialOptions credential_options(const StorageOptions& options);

// Endpoint: storage.endpoint_url, else the account's. Throws Error{kInvalidArgument}
// naming the setting.
AzureConfig resolve_config(const StorageOptions& options,
                           const auth::AzureAccount& account);

}  // namespace cloudsync::storage::azure

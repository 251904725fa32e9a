// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "auth/azure/azure_authorizer.h"
#include "auth/environment.h"
#include "base/clock.h"
#include "base/random.h"
#include "cloudsync/cloud_storage.h"
#include "http/transport.h"
#include "storage/object_store.h"

namespace cloudsync::storage::azure {

// Everything that touches the world is passed in, so that the store runs against a
// scripted transport. Owns what it is given.
struct AzureDependencies {
  std::shared_ptr<http::HttpTransport> transport;
  // Nothing = made from the options with the transport above.
  std::unique_ptr<auth::AzureAuthorizer> authorizer;
  const base::Clock& clock = base::system_clock();
  base::Random& random = base::system_random();  // request ids and upload ids
  std::shared_ptr<http::HttpTransport> token_transport = {};  // nothing = the same
};

// An Azure Blob container. Tokens (VersionToken) are ETags without quotes. Asks for fresh
// credentials once when they are refused as expired, and corrects clock skew from the
// service's answer.
std::unique_ptr<ObjectStore> make_azure_store(const StorageOptions& options,
                                              const auth::Environment& environment,
                                              AzureDependencies dependencies);
// With libcurl and the credential chain.
std::unique_ptr<ObjectStore> make_azure_store(const StorageOptions& options);

}  // namespace cloudsync::storage::azure

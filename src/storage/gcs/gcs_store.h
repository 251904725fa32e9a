// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "auth/access_token.h"
#include "auth/environment.h"
#include "base/clock.h"
#include "base/random.h"
#include "cloudsync/cloud_storage.h"
#include "http/transport.h"
#include "storage/object_store.h"

namespace cloudsync::storage::gcs {

// Everything that touches the world is passed in, so that the store runs against a
// scripted transport. Owns what it is given.
struct GcsDependencies {
  std::shared_ptr<http::HttpTransport> transport;
  std::unique_ptr<auth::AccessTokenProvider> tokens;
  base::Random& random = base::system_random();  // boundaries of multipart bodies
  const base::Clock& clock = base::system_clock();
};

// A Google Cloud Storage bucket behind the JSON API. Tokens (VersionToken) are
// generations. Asks for fresh credentials once when they are refused as expired.
std::unique_ptr<ObjectStore> make_gcs_store(const StorageOptions& options,
                                            const auth::Environment& environment,
                                            GcsDependencies dependencies);
// With libcurl and the credential chain.
std::unique_ptr<ObjectStore> make_gcs_store(const StorageOptions& options);

}  // namespace cloudsync::storage::gcs

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "auth/aws/aws_credentials.h"
#include "auth/aws/aws_profile.h"
#include "base/clock.h"
#include "cloudsync/cloud_storage.h"
#include "http/transport.h"
#include "storage/object_store.h"

namespace cloudsync::storage::s3 {

// Everything that touches the world is passed in, so that the store runs against a
// scripted transport. Owns what it is given.
struct S3Dependencies {
  std::unique_ptr<http::HttpTransport> transport;
  std::unique_ptr<auth::AwsCredentialsProvider> credentials;
  const base::Clock& clock = base::system_clock();
};

// A bucket behind the S3 REST protocol. Follows a wrong region once per bucket, corrects
// clock skew from the service's answer, asks for fresh credentials once when they are
// refused as expired.
std::unique_ptr<ObjectStore> make_s3_store(const StorageOptions& options,
                                           const auth::Environment& environment,
                                           S3Dependencies dependencies);
// With libcurl and the credential chain.
std::unique_ptr<ObjectStore> make_s3_store(const StorageOptions& options);

}  // namespace cloudsync::storage::s3

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cloudsync/cloud_storage.h"

namespace cloudsync::conformance {

inline constexpr const char* kBucket = "conformance";
inline constexpr const char* kUser = "conformance";
inline constexpr const char* kPassword = "conformance-secret";

// Of the bucket kBucket of a server that listens at this URL, by its protocol.
StorageOptions s3_options(const std::string& url);
StorageOptions gcs_options(const std::string& url);
StorageOptions azure_options(const std::string& url);

// Make that bucket; the answer's status. S3: without a signature, for emulators that ask
// for none.
int make_s3_bucket(int port);
int make_gcs_bucket(int port);
int make_azure_container(int port);

}  // namespace cloudsync::conformance

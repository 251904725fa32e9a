// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cloudsync/cloud_storage.h"
#include "http/curl_transport.h"

namespace cloudsync::storage::rest {

// Of the storage endpoint: what the user said about certificates.
http::CurlOptions storage_tls(const StorageOptions& options);

// Of token services: verify_tls and ca_bundle are about another machine. An inspecting
// proxy's authority comes by auth_ca_bundle or the environment.
http::CurlOptions token_tls(const StorageOptions& options);

}  // namespace cloudsync::storage::rest

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "auth/token_endpoint.h"

namespace cloudsync::auth {

// A question to a metadata service: never through a proxy, with the resource named.
struct MetadataQuestion {
  std::string endpoint;
  std::string api_version;
  std::string id_name = {};    // of the parameter below
  std::string client_id = {};  // "" = the identity of the system
  std::string purpose;
};

CredentialRequest metadata_request(const MetadataQuestion& question);

}  // namespace cloudsync::auth

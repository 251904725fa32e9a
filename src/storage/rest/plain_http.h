// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "cloudsync/cloud_storage.h"

namespace cloudsync::storage::rest {

// What of an identity travels with a request.
enum class Identity {
  kNone,
  kSignature,  // SigV4, Shared Key: whoever listens can read the data, not the key
  kToken,      // a bearer token or a SAS: whoever listens can do what we can
};

// Over plain HTTP to another machine a token is refused unless storage.allow_http is set,
// and a signature gets one warning. `origin` is "scheme://host:port".
void check_plain_http(const StorageOptions& options, std::string_view origin,
                      Identity identity);

}  // namespace cloudsync::storage::rest

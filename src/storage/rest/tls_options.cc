// SPDX-License-Identifier: Apache-2.0
#include "storage/rest/tls_options.h"

namespace cloudsync::storage::rest {

http::CurlOptions storage_tls(const StorageOptions& options) {
  http::CurlOptions out;
  out.ca_bundle = options.ca_bundle;
  out.add_to_system = options.ca_bundle_mode == "add";
  out.verify_tls = options.verify_tls;
  return out;
}

http::CurlOptions token_tls(const StorageOptions& options) {
  http::CurlOptions out;
  out.ca_bundle = options.auth_ca_bundle;
  out.add_to_system = true;
  return out;
}

}  // namespace cloudsync::storage::rest

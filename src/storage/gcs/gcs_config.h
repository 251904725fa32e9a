// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "auth/environment.h"
#include "cloudsync/cloud_storage.h"
#include "storage/object_store.h"

namespace cloudsync::storage::gcs {

// Everything that options and environment say about one bucket, resolved.
struct GcsConfig {
  std::string bucket;
  std::string origin;         // "https://storage.googleapis.com"
  std::string base_path;      // of a custom endpoint, without trailing slash
  bool google = true;         // a host of Google's, whichever way it was named
  bool authenticate = true;   // false: anonymous, emulators
  std::string user_project;   // who is billed, "" = the bucket's owner
  std::string storage_class;  // for writes that name none; "" = the bucket's own
  Capabilities capabilities;
};

// Endpoint: option, STORAGE_EMULATOR_HOST (with or without a scheme; never
// authenticated), Google's own. An endpoint of the options on loopback or plain http is
// asked without credentials unless the options name some. Throws Error{kInvalidArgument}
// naming the setting.
GcsConfig resolve_config(const StorageOptions& options,
                         const auth::Environment& environment);

// The class as the service spells it, from any case; "" stays "". Throws
// Error{kInvalidArgument} listing the classes.
std::string canonical_storage_class(std::string_view name);

// "scheme://host:port" of a URL; "" when it is none.
std::string origin_of(std::string_view url);

// May a session of this bucket live at that origin? Its URI says where bytes and tokens
// go, and comes from an answer or from the state database.
bool is_own_origin(const GcsConfig& config, std::string_view origin);

}  // namespace cloudsync::storage::gcs

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cloudsync/config.h"

namespace cloudsync::config {

// What no key can check alone: required keys, credentials that fit the provider, limits
// of the provider. Fills in the default bucket of provider `local`. Throws
// Error{kInvalidArgument} naming key and origin.
void check_requirements(LoadedConfig& loaded);

// "aws_access_key_id, aws_secret_access_key, aws_session_token"; "" = the provider takes
// none.
std::string credential_names(const std::string& provider);

}  // namespace cloudsync::config

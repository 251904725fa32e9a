// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "auth/azure/entra_source.h"

namespace cloudsync::auth {

// The instance metadata service of a virtual machine, or what
// AZURE_POD_IDENTITY_AUTHORITY_HOST names in its place. Nothing where no such service
// answers or no identity is assigned. Throws Error{kUnavailable} for 404, 410, 429 and
// 5xx, which pass, says its documentation.
TokenAttempt fetch_imds_token(const EntraWorld& world, const std::string& client_id,
                              bool probe, const CallContext& context);

}  // namespace cloudsync::auth

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "auth/azure/entra_errors.h"
#include "auth/azure/entra_source.h"

namespace cloudsync::auth {

// The client credentials flow with a secret. Throws Error{kUnauthenticated} when it is
// refused, kUnavailable when the service cannot be reached.
BearerToken fetch_client_secret_token(const EntraWorld& world,
                                      const EntraSubject& subject,
                                      const std::string& secret,
                                      const CallContext& context);

}  // namespace cloudsync::auth

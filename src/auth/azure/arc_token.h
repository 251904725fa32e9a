// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "auth/azure/entra_source.h"

namespace cloudsync::auth {

// The agent of a machine joined by Azure Arc: its challenge names a file that only
// members of its group can read, and the file's content is the password.
BearerToken fetch_arc_token(const EntraWorld& world, const std::string& endpoint,
                            const CallContext& context);

}  // namespace cloudsync::auth

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "auth/azure/entra_source.h"

namespace cloudsync::auth {

// AZURE_TENANT_ID and AZURE_CLIENT_ID with AZURE_CLIENT_SECRET, else with
// AZURE_CLIENT_CERTIFICATE_PATH. Ids of the configuration come before the variables; then
// a secret counts only where the variables do not speak of another application.
EntraSource make_entra_environment_source(const EntraWorld& world,
                                          const EntraIdentity& identity);

}  // namespace cloudsync::auth

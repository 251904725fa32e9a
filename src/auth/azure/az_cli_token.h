// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "auth/azure/entra_source.h"

namespace cloudsync::auth {

// Who is logged in with the Azure CLI: "az account get-access-token".
EntraSource make_az_cli_source(const EntraWorld& world, const EntraIdentity& identity);

}  // namespace cloudsync::auth

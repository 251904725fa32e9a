// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "auth/azure/azure_account.h"
#include "auth/azure/azure_authorizer.h"
#include "auth/azure/entra_source.h"

namespace cloudsync::auth {

// Tokens of Microsoft Entra ID, fetched when first needed and renewed ahead of their end.
std::unique_ptr<AzureAuthorizer> make_bearer_authorizer(
    const AzureCredentialOptions& options, const EntraWorld& world);

}  // namespace cloudsync::auth

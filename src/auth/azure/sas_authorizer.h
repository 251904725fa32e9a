// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "auth/azure/azure_account.h"
#include "auth/azure/azure_authorizer.h"
#include "base/clock.h"

namespace cloudsync::auth {

// Appends the account's SAS token to every request. A token that has ended is refused
// with Error{kUnauthenticated} before anything is sent.
std::unique_ptr<AzureAuthorizer> make_sas_authorizer(const AzureAccount& account,
                                                     const base::Clock& clock);

}  // namespace cloudsync::auth

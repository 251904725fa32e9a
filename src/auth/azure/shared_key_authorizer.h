// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "auth/azure/azure_account.h"
#include "auth/azure/azure_authorizer.h"

namespace cloudsync::auth {

// Signs with the account's key. Throws Error{kInvalidArgument} when the key cannot be
// one.
std::unique_ptr<AzureAuthorizer> make_shared_key_authorizer(const AzureAccount& account);

}  // namespace cloudsync::auth

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "auth/azure/azure_account.h"
#include "auth/azure/entra_source.h"

namespace cloudsync::auth {

// Where tokens come from. With all of tenant_id, client_id and client_secret that is the
// only place; else the places of the SDKs' default chain, narrowed by
// AZURE_TOKEN_CREDENTIALS. A place that is set up and refuses ends the search: going on
// would act as somebody else than was meant. What gave the first token gives all others.
// Throws Error{kInvalidArgument} for half an application and for an unknown value of the
// variable; what is returned throws Error{kUnauthenticated} naming every place searched.
// One call at a time.
std::function<BearerToken(const CallContext&)> make_entra_loader(
    const AzureCredentialOptions& options, const EntraWorld& world);

}  // namespace cloudsync::auth

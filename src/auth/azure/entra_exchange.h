// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "auth/azure/entra_errors.h"
#include "auth/azure/entra_source.h"

namespace cloudsync::auth {

// AZURE_AUTHORITY_HOST, else the public cloud's, without a trailing slash.
std::string authority_host(const Environment& environment);

// The token endpoint of the subject's tenant. Throws Error{kInvalidArgument} naming the
// place when the tenant is nothing that may stand in a URL.
std::string token_url(const Environment& environment, const EntraSetting& tenant);

// The client credentials flow; `form` holds what proves the client.
BearerToken fetch_client_token(const EntraWorld& world, const EntraSubject& subject,
                               const Form& proof, const CallContext& context);

// What a metadata service answered with status 200: expires_in, else expires_on, both
// text or numbers. Throws Error{kUnauthenticated} when it is no token.
BearerToken parse_metadata_token(const http::HttpResponse& reply,
                                 const CredentialRequest& request,
                                 const EntraWorld& world);

// Any other answer.
Error metadata_refusal(const http::HttpResponse& reply, const CredentialRequest& request,
                       const std::string& advice);

}  // namespace cloudsync::auth

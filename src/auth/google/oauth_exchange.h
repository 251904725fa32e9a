// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "auth/access_token.h"
#include "auth/google/google_credentials.h"
#include "auth/token_endpoint.h"
#include "base/call_context.h"

#include <string>
#include <utility>

namespace cloudsync::auth::google {

// One exchange with an OAuth token endpoint; `advice` (what to do) ends the message of a
// refusal.
AccessToken fetch_token(const GoogleWorld& world, const CredentialRequest& request,
                        const std::string& advice, const CallContext& context);

// The same for an answer that is here already.
AccessToken read_token(const http::HttpResponse& reply, const CredentialRequest& request,
                       const std::string& advice, const base::Clock& clock);

// Throws Error{kUnauthenticated} unless the token can stand in a header.
void require_bearer(const AccessToken& token, const std::string& purpose);

std::pair<std::string, std::string> basic_authorization(const std::string& user,
                                                        const std::string& password);
std::pair<std::string, std::string> bearer_authorization(const AccessToken& token);

}  // namespace cloudsync::auth::google

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "auth/azure/entra_errors.h"
#include "auth/azure/entra_source.h"

namespace cloudsync::auth {

// The client credentials flow with an assertion signed by the certificate's key. The PEM
// file is read each time, so that a renewed certificate is used at once.
BearerToken fetch_client_certificate_token(const EntraWorld& world,
                                           const EntraSubject& subject,
                                           const std::string& path,
                                           const CallContext& context);

// The form of an assertion, whoever made it.
Form assertion_form(const std::string& assertion);

}  // namespace cloudsync::auth

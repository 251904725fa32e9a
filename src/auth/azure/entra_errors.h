// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "auth/azure/entra_source.h"
#include "auth/token_endpoint.h"
#include "cloudsync/error.h"
#include "http/transport.h"

namespace cloudsync::auth {

// An application of a directory, and where each part of it was said.
struct EntraSubject {
  EntraSetting tenant;
  EntraSetting client;
  std::string proof;  // "the client secret in storage.credentials.client_secret"
};

// "application CLIENT of tenant TENANT"
std::string subject_name(const EntraSubject& subject);

// A refusal of the token endpoint: the service's words and, for the codes people meet,
// what to check and where.
Error entra_refusal(const http::HttpResponse& reply, const CredentialRequest& request,
                    const EntraSubject& subject);

}  // namespace cloudsync::auth

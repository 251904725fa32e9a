// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "auth/azure/azure_account.h"
#include "auth/environment.h"
#include "base/call_context.h"
#include "base/clock.h"
#include "http/transport.h"

namespace cloudsync::auth {

// Proves to Azure Storage who asks. Thread-safe.
class AzureAuthorizer {
 public:
  virtual ~AzureAuthorizer() = default;
  // Adds the Authorization header or the SAS query to a request that is otherwise final:
  // x-ms-date, x-ms-version and all other headers are there, content_length is what will
  // be sent.
  virtual void authorize(http::HttpRequest& request, std::uint64_t content_length,
                         const CallContext& context) = 0;
  // The service refused the request's credentials (401, or 403 InvalidAuthenticationInfo)
  // as expired or invalid. True when the next authorize() will use a new token.
  virtual bool renew(const http::HttpRequest& refused, const CallContext& context) = 0;
  // For messages: "the account key in storage.credentials.account_key".
  virtual std::string origin() const = 0;
  // A value for x-ms-copy-source that the service may read: the URL itself with Shared
  // Key (same account) and bearer tokens, the URL with the SAS appended otherwise.
  virtual std::string readable_source(const std::string& url) const { return url; }
};

struct AzureWorld {
  Environment environment;
  std::shared_ptr<http::HttpTransport> transport;
  const base::Clock& clock = base::system_clock();
};

// In this order: anonymous; Shared Key; SAS; the configuration's tenant_id + client_id +
// client_secret; then, where nothing of that is given, Entra ID the way the SDKs look:
// AZURE_TENANT_ID + AZURE_CLIENT_ID with AZURE_CLIENT_SECRET or
// AZURE_CLIENT_CERTIFICATE_PATH, workload identity (AZURE_FEDERATED_TOKEN_FILE), managed
// identity (App Service, Cloud Shell, Arc, IMDS), az CLI; AZURE_TOKEN_CREDENTIALS (prod,
// dev or a name) narrows it. Bearer tokens are renewed ahead of their end, single flight.
// Bearer tokens over plain http are refused but for loopback endpoints.
std::unique_ptr<AzureAuthorizer> make_azure_authorizer(
    const AzureAccount& account, const AzureCredentialOptions& options, AzureWorld world);

}  // namespace cloudsync::auth

// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/client_secret_token.h"

#include "auth/azure/entra_exchange.h"
#include "base/log.h"

namespace cloudsync::auth {

BearerToken fetch_client_secret_token(const EntraWorld& world,
                                      const EntraSubject& subject,
                                      const std::string& secret,
                                      const CallContext& context) {
  base::redact_secret(secret);
  return fetch_client_token(world, subject, {{"client_secret", secret}}, context);
}

}  // namespace cloudsync::auth

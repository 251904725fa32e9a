// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "auth/access_token.h"
#include "auth/environment.h"
#include "base/clock.h"
#include "http/transport.h"

namespace cloudsync::auth {

struct GoogleCredentialOptions {
  std::string service_account_file;  // a key file of any JSON type; "" = the chain
  bool anonymous = false;
};

// What the credential chain needs from the world.
struct GoogleWorld {
  Environment environment;
  std::shared_ptr<http::HttpTransport> transport;
  const base::Clock& clock = base::system_clock();
};

// The file of the configuration, else Application Default Credentials:
// GOOGLE_APPLICATION_CREDENTIALS, gcloud's application_default_credentials.json
// ($CLOUDSDK_CONFIG or ~/.config/gcloud), the metadata server. Files of type
// service_account, authorized_user, external_account (file, URL, AWS and executable
// sources, with or without impersonation), external_account_authorized_user and
// impersonated_service_account. Scope devstorage.full_control for plain tokens (the
// narrower read_write cannot read a bucket's settings), cloud-platform where a service
// account is impersonated on the way. Tokens are renewed ahead of their end, single
// flight. Every secret read is registered with base::redact_secret.
std::unique_ptr<AccessTokenProvider> make_google_credentials(
    const GoogleCredentialOptions& options, GoogleWorld world);

}  // namespace cloudsync::auth

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "auth/aws/aws_profile.h"
#include "auth/aws/aws_credentials.h"

namespace cloudsync::auth {

struct AwsCredentialOptions {
  // From the configuration file; both or none.
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;
  std::string profile;  // explicit profile: the environment's keys are skipped
  bool anonymous = false;
};

// Explicit keys, then the environment (unless a profile was named), then the profile's
// static keys in the shared credentials and config files. Built as a list of sources, so
// that further ones (assume role, web identity, SSO, process, container, IMDS) are one
// entry each. Every secret found is registered with base::redact_secret.
std::unique_ptr<AwsCredentialsProvider> make_aws_credential_chain(
    const AwsCredentialOptions& options, Environment environment);

}  // namespace cloudsync::auth

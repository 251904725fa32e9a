// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "auth/aws/aws_credentials.h"
#include "auth/aws/aws_profile.h"
#include "base/clock.h"
#include "http/transport.h"

namespace cloudsync::auth {

struct AwsCredentialOptions {
  // From the configuration file; both or none.
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;
  std::string profile;  // explicit profile: the environment's keys are skipped
  bool anonymous = false;
  std::string region;     // of the store; asked where environment and profile name none
  std::string ca_bundle;  // for the credential services; "" = AWS_CA_BUNDLE, the system's
  bool use_fips_endpoint = false;  // besides what environment and profile ask for
  bool use_dual_stack = false;
};

// What the chain lives in; tests bring their own.
struct AwsWorld {
  Environment environment;
  std::shared_ptr<http::HttpTransport> transport;  // to STS, SSO and metadata services
  const base::Clock& clock = base::system_clock();
};

// The first of these that is configured: explicit keys; the environment's keys (unless a
// profile was named); the profile's role or static keys; the web identity of the
// environment (unless a profile was named); the default profile's SSO login or
// credential_process; the container's service; the instance's metadata service. All that
// a profile says counts at once when AWS_PROFILE or the options name it. One that is
// configured and yet gives nothing usable is Error{kUnauthenticated}, never a reason to
// ask the next. Renewed ahead of expiry. Every secret found is registered with
// base::redact_secret.
std::unique_ptr<AwsCredentialsProvider> make_aws_credential_chain(
    const AwsCredentialOptions& options, AwsWorld world);

// The same over a transport of its own, which always checks certificates.
std::unique_ptr<AwsCredentialsProvider> make_aws_credential_chain(
    const AwsCredentialOptions& options, Environment environment);

}  // namespace cloudsync::auth

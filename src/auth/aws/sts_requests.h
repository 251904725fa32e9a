// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "auth/aws/aws_credentials.h"
#include "auth/token_endpoint.h"

namespace cloudsync::auth {

struct StsEndpoint {
  std::string url;  // without a slash at the end
  std::string region;
};

struct AssumeRole {
  std::string role_arn;
  std::string session_name;
  std::string external_id;   // "" = none
  int duration_seconds = 0;  // 0 = the service's default, an hour
};

// Signed with the credentials of who assumes the role.
CredentialRequest assume_role_request(const AssumeRole& role, const StsEndpoint& endpoint,
                                      const AwsCredentials& signer, std::int64_t now_ns);
// Not signed: the token is the proof.
CredentialRequest web_identity_request(const AssumeRole& role,
                                       const StsEndpoint& endpoint,
                                       const std::string& token);

}  // namespace cloudsync::auth

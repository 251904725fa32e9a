// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "auth/aws/aws_settings.h"
#include "auth/aws/sts_requests.h"
#include "base/call_context.h"

namespace cloudsync::auth {

// Who wants the role, for messages: `profile "dev" in ~/.aws/config`.
struct RoleAsker {
  const AwsSettings& settings;
  std::string name;
};

// Gets the role's credentials from STS. A missing session name is made up from the time.
// Throws Error{kUnauthenticated} with the service's code and words, kUnavailable when the
// service cannot be reached or asks for patience.
class StsClient {
 public:
  explicit StsClient(const AwsWorld& world) : world_(world) {}

  AwsCredentials assume_role(const AssumeRole& role, const AwsCredentials& signer,
                             const RoleAsker& asker, const CallContext& context) const;
  // `token_file` is read here, at every call: its owner replaces it before it expires.
  AwsCredentials assume_role_with_web_identity(const AssumeRole& role,
                                               const std::string& token_file,
                                               const RoleAsker& asker,
                                               const CallContext& context) const;

 private:
  AssumeRole complete(const AssumeRole& role) const;
  AwsCredentials ask(CredentialRequest request, const std::string& action,
                     const std::string& origin, const CallContext& context) const;

  const AwsWorld& world_;
};

}  // namespace cloudsync::auth

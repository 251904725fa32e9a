// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "auth/aws/aws_settings.h"
#include "auth/aws/profile_plan.h"
#include "auth/aws/sso_token_cache.h"
#include "base/call_context.h"

namespace cloudsync::auth {

struct SsoAsker {
  const AwsSettings& settings;
  std::string profile;  // for the advice "aws sso login --profile X"
  std::string origin;   // `profile "X" in FILE`
};

// A role's credentials from the token that "aws sso login" left. A token that runs out is
// renewed where the login allows it, and the new one is written back for the other tools.
// One thread at a time.
class SsoClient {
 public:
  explicit SsoClient(const AwsWorld& world) : world_(world) {}

  // Throws Error{kUnauthenticated} with the services' words and the command that logs in
  // anew, kUnavailable when a service cannot be reached.
  AwsCredentials role_credentials(const SsoLogin& login, const SsoAsker& asker,
                                  const CallContext& context);

 private:
  struct Call;
  SsoToken usable_token(const Call& call);
  SsoToken read_token(const Call& call) const;
  SsoToken renew(const SsoToken& old, const Call& call);
  void keep(const SsoToken& token, const Call& call);
  AwsCredentials fetch(const SsoToken& token, const Call& call) const;

  const AwsWorld& world_;
  // Where the file could not be written: the refresh token in it is used up.
  std::optional<SsoToken> unwritten_;
};

}  // namespace cloudsync::auth

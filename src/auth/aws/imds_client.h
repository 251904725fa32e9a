// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "auth/aws/aws_credential_chain.h"
#include "auth/aws/imds_config.h"
#include "base/call_context.h"

namespace cloudsync::auth {

// Nobody is there, or who is there has no role for this instance: what a machine without
// one shows. `reason` is for messages.
struct ImdsAbsent {
  std::string reason;
  bool silent = false;  // no answer at all
};

// The instance metadata service, version 2 only: version 1 gives credentials to whoever
// makes this machine send a GET. One thread at a time.
class ImdsClient {
 public:
  explicit ImdsClient(const AwsWorld& world) : world_(world) {}

  // Throws Error{kUnavailable} when somebody is there and fails, kUnauthenticated when
  // the service refuses to give the role's credentials or answers with something else.
  std::variant<AwsCredentials, ImdsAbsent> credentials(const ImdsConfig& config,
                                                       const CallContext& context);

 private:
  struct Call;
  using Reply = std::variant<http::HttpResponse, ImdsAbsent>;
  Reply send(const http::HttpRequest& request, const Call& call) const;
  Reply send_once(const http::HttpRequest& request, const Call& call) const;
  Reply get(const std::string& path, const Call& call);
  std::optional<ImdsAbsent> require_token(const Call& call);

  const AwsWorld& world_;
  std::string token_;  // "" = none yet
  std::int64_t token_expires_ns_ = 0;
};

}  // namespace cloudsync::auth

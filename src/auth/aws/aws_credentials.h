// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/call_context.h"

namespace cloudsync::auth {

struct AwsCredentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;               // "" = none
  std::optional<std::int64_t> expires_ns;  // since the epoch
  std::string origin;  // for messages: "environment", "profile x in FILE"

  friend bool operator==(const AwsCredentials&, const AwsCredentials&) = default;
};

// Gives the credentials to sign the next request with. Thread-safe; refreshing is single
// flight.
class AwsCredentialsProvider {
 public:
  virtual ~AwsCredentialsProvider() = default;
  // Nothing = send unsigned (anonymous). Throws Error{kUnauthenticated} naming every
  // place searched.
  virtual std::optional<AwsCredentials> credentials(const CallContext& context) = 0;
  // The service refused these as expired or invalid; the next call may fetch new ones.
  virtual void invalidate(const AwsCredentials& refused) = 0;
};

}  // namespace cloudsync::auth

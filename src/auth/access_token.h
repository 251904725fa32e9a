// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/call_context.h"

namespace cloudsync::auth {

// An OAuth bearer token. Two with the same value are the same token: services that keep
// one give it again with what is left of its time.
struct AccessToken {
  std::string value;
  std::optional<std::int64_t> expires_ns;  // since the epoch
  std::string origin;                      // for messages: "service account x@y in FILE"
  std::string quota_project;  // GCS: who is billed, where the credentials say so

  friend bool operator==(const AccessToken& a, const AccessToken& b) {
    return a.value == b.value;
  }
};

// Gives the token for the next request. Thread-safe; refreshing is single flight.
class AccessTokenProvider {
 public:
  virtual ~AccessTokenProvider() = default;
  // Nothing = send without (anonymous, emulators). Throws Error{kUnauthenticated} naming
  // every place searched, kUnavailable when the token service cannot be reached.
  virtual std::optional<AccessToken> token(const CallContext& context) = 0;
  // The service refused this one; the next call fetches a new one.
  virtual void invalidate(const AccessToken& refused) = 0;
};

}  // namespace cloudsync::auth

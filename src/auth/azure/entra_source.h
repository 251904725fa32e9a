// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "auth/environment.h"
#include "auth/token_endpoint.h"
#include "base/call_context.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/subprocess.h"
#include "http/transport.h"

namespace cloudsync::auth {

inline constexpr char kStorageScope[] = "https://storage.azure.com/.default";
inline constexpr char kStorageResource[] = "https://storage.azure.com/";

// A bearer token of Microsoft Entra ID. Two with the same value are the same token, so
// that one can be recognised in a request that was refused.
struct BearerToken {
  std::string value;
  std::optional<std::int64_t> expires_ns;
  std::string origin;  // for messages: "the managed identity of this machine"

  friend bool operator==(const BearerToken& a, const BearerToken& b) {
    return a.value == b.value;
  }
};

// Everything the sources touch, so that a test can be the world.
struct EntraWorld {
  using RunProgram =
      std::function<base::SubprocessResult(const base::Subprocess&, const CallContext&)>;

  Environment environment;
  std::shared_ptr<http::HttpTransport> transport;
  const base::Clock& clock = base::system_clock();
  base::Random& random = base::system_random();
  RunProgram run_program = base::run_subprocess;
  // Where the Azure Arc agent puts its secrets; a challenge may name no other place.
  std::string arc_token_directory = "/var/opt/azcmagent/tokens";
};

// What the configuration says of the identity; "" = not given.
struct EntraIdentity {
  std::string tenant_id;
  std::string client_id;
};

// A token, or why this source has nothing to offer here.
struct TokenAttempt {
  std::optional<BearerToken> token;
  std::string absence;
};

// One place where a token can come from. `fetch` returns an absence when the place is not
// there or not set up, and throws when it is and refuses or fails.
struct EntraSource {
  std::string name;  // "managed identity"
  std::function<TokenAttempt(const CallContext&)> fetch;
};

TokenAttempt absent(std::string reason);

// A value and where it was said, for messages.
struct EntraSetting {
  std::string value;
  std::string origin;  // "storage.credentials.tenant_id"
};

// What the configuration says (`key` is its name there), else the environment variable;
// an empty value when neither does.
EntraSetting find_setting(const std::string& configured, const std::string& key,
                          const Environment& environment, const std::string& variable);

}  // namespace cloudsync::auth

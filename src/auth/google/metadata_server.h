// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "auth/google/token_source.h"

#include <optional>
#include <string>

namespace cloudsync::auth::google {

// The metadata server of a Google machine (Compute Engine, GKE, Cloud Run).
class MetadataServer final : public TokenSource {
 public:
  // Throws Error{kInvalidArgument} naming a variable that is no host.
  MetadataServer(const GoogleWorld& world, std::string scope);

  // Why there is none; nothing when there is one. Takes at most GCE_METADATA_TIMEOUT
  // seconds (3). A host that was named explicitly is taken at its word.
  std::optional<std::string> absence(const CallContext& context) const;
  AccessToken fetch(const CallContext& context) override;

 private:
  const GoogleWorld& world_;
  const std::string scope_;
  const std::string named_host_;  // "" = the usual one
  const std::string probe_host_;
  const int probe_seconds_;
};

}  // namespace cloudsync::auth::google

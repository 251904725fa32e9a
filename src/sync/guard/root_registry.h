// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "sync/guard/database_claim.h"
#include "sync/guard/environment.h"

namespace cloudsync::sync {

// What this user's account remembers of roots that a run may not write into: one small
// file a root in $XDG_STATE_HOME/cloudsync/roots. A courtesy: where it cannot be kept,
// everything works without it.
class RootRegistry {
 public:
  RootRegistry(const Environment& environment, const std::string& root);

  std::vector<DatabaseClaim> claims() const;
  bool knows(const DatabaseClaim& own) const;
  void put(const DatabaseClaim& claim) const;

 private:
  std::string root_;
  std::string folder_;  // "" = nowhere
  std::string file_;
};

}  // namespace cloudsync::sync

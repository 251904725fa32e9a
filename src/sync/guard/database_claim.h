// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cloudsync/sync_state.h"

namespace cloudsync::sync {

// "This database keeps the state of this root and that prefix": remembered beside the
// root, so that a second, empty database is not taken for the first run of a pair.
struct DatabaseClaim {
  std::string provider, container, prefix;
  std::string database_id;
  std::string path;  // absolute
  std::string host;  // host_id() of the machine that has the path
  std::string host_name;
  std::int64_t at_ns = 0;

  bool concerns(const DatabaseClaim& other) const;  // the same pair, given the root
  bool same_place(const DatabaseClaim& other) const;
};

// Stable for one installed system, and different for a copy of its disk's folders only.
std::string host_id();

DatabaseClaim own_claim(const PairIdentity& pair, const SyncStateDatabase& state,
                        std::int64_t now_ns);

// Malformed entries are passed over.
std::vector<DatabaseClaim> claims_from_json(const nlohmann::json& list);
nlohmann::json claims_to_json(const std::vector<DatabaseClaim>& claims);
// Replaces what was known of the claim's pair.
void put_claim(std::vector<DatabaseClaim>& claims, const DatabaseClaim& claim);
// The latest claim on the pair of `own`.
const DatabaseClaim* find_claim(const std::vector<DatabaseClaim>& claims,
                                const DatabaseClaim& own);

enum class ClaimVerdict {
  kOwn,        // known as it is, known elsewhere before, or nothing known
  kRebuilt,    // the database that was known is gone
  kOtherHere,  // another database of this host, which still exists
  kOtherHost,
};
ClaimVerdict judge_claim(const DatabaseClaim* known, const DatabaseClaim& own,
                         const std::function<bool(const DatabaseClaim&)>& exists);

// Whether the database of that id still lies at its path; one that cannot be read does.
bool database_exists(const DatabaseClaim& claim);

// What to tell whoever begins with another database; Error{kInvalidArgument}'s text.
std::string other_database_text(ClaimVerdict verdict, const DatabaseClaim& known,
                                const DatabaseClaim& own, const std::string& root);

}  // namespace cloudsync::sync

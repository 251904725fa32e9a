// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/random.h"
#include "cloudsync/sync_state.h"
#include "sync/decide/brakes.h"
#include "sync/guard/database_claim.h"

namespace cloudsync::sync {

inline constexpr char kMarkerPath[] = ".cloudsync/root.json";

// <root>/.cloudsync/root.json: this root's identity and, per pair, how often a writing
// run began. It tells a tree restored from a backup from one that the database knows.
struct RootMarker {
  bool present = false;
  std::string root_uuid;
  std::map<std::string, std::int64_t> epochs;  // by pair uuid
  std::vector<DatabaseClaim> databases;        // which one keeps each pair

  MarkerView view(const std::string& pair_uuid) const;
};

// An unreadable or malformed marker counts as absent.
RootMarker read_root_marker(base::FileSystem& files);

// Raises the epoch for one more writing run, in the order that leaves the marker at most
// one behind after any number of crashes: marker to the database's epoch, database one
// up, marker again. Each step is durable before the next. Updates `pair`, and notes the
// database that keeps it.
void raise_epoch(base::FileSystem& files, SyncStateDatabase& state, base::Random& random,
                 PairRecord& pair, const std::optional<DatabaseClaim>& claim);

}  // namespace cloudsync::sync

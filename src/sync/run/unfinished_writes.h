// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "cloudsync/sync_state.h"

namespace cloudsync::sync {

struct RunContext;
struct Observed;
struct DownloadResult;

// What earlier runs of the pair sent without hearing the answer. Where it has arrived it
// is this pair's own work: the base row then says so, and an edit made since is an
// ordinary edit instead of a conflict with oneself. Read-only after construction.
class UnfinishedWrites {
 public:
  UnfinishedWrites() = default;
  explicit UnfinishedWrites(std::vector<IntentRow> rows);

  bool concern(const std::string& key) const { return by_key_.contains(key); }

  // Replaces the key's base row by what has provably arrived, in `observed` and in the
  // database. May look at the object and read it.
  void settle(const RunContext& context, Observed& observed) const;

 private:
  std::unordered_map<std::string, std::vector<IntentRow>> by_key_;  // newest first
};

// Before what was downloaded takes its place.
void intend_placing(const RunContext& context, const std::string& key,
                    const DownloadResult& result);
// Before the first of this run's deletions begins.
void intend_deletions(const RunContext& context);

// Of this pair, those that are too old to arrive left out and forgotten.
UnfinishedWrites load_unfinished_writes(SyncStateDatabase& database, PairId pair,
                                        std::int64_t now_ns, bool may_write);

}  // namespace cloudsync::sync

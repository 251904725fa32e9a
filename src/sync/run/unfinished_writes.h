// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "cloudsync/sync_state.h"

namespace cloudsync::sync {

struct RunContext;
struct Observed;
struct DownloadResult;

// What earlier runs of the pair sent without hearing the answer. Where it has arrived it
// is this pair's own work: the base row then says so, and an edit made since is an
// ordinary edit instead of a conflict with oneself. Asks the database for each key, since
// a run that was killed while it deleted leaves a row for each deletion that was planned;
// after a run that came to its end there is nothing to ask for. Thread-safe.
class UnfinishedWrites {
 public:
  UnfinishedWrites() = default;  // none
  // Those older than `oldest_ns` count no more, those of the run that asks not yet.
  UnfinishedWrites(const SyncStateDatabase& database, PairId pair, std::int64_t oldest_ns,
                   std::int64_t began_ns);

  bool concern(const std::string& key) const { return !of(key).empty(); }

  // Replaces the key's base row by what has provably arrived, in `observed` and in the
  // database. May look at the object and read it.
  void settle(const RunContext& context, Observed& observed) const;

 private:
  std::vector<IntentRow> of(const std::string& key) const;  // newest first

  const SyncStateDatabase* database_ = nullptr;  // nothing = there are none
  PairId pair_ = 0;
  std::int64_t oldest_ns_ = 0;
  std::int64_t began_ns_ = 0;
};

// Before what was downloaded takes its place.
void intend_placing(const RunContext& context, const std::string& key,
                    const DownloadResult& result);
// When it did not, before its temporary file goes: the inode's number may come back as
// that of a user's file.
void withdraw_placing(const RunContext& context, const std::string& key);
// What earlier runs left among the temporary files was not placed either: its number goes
// from their intents, which may still explain what stands under the name.
void withdraw_unplaced(base::FileSystem& files, SyncStateDatabase& database);
// Before the first of this run's deletions begins.
void intend_deletions(const RunContext& context);

// Of this pair, those that are too old to arrive left out and forgotten.
UnfinishedWrites load_unfinished_writes(SyncStateDatabase& database, PairId pair,
                                        std::int64_t now_ns, bool may_write);

}  // namespace cloudsync::sync

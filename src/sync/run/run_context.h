// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/call_context.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/random.h"
#include "base/worker_pool.h"
#include "cloudsync/cloud_sync.h"
#include "storage/object_store.h"
#include "sync/guard/database_claim.h"
#include "sync/guard/overlap.h"
#include "sync/guard/own_files.h"
#include "sync/guard/rewrites.h"
#include "sync/run/delete_spool.h"
#include "sync/run/intent_log.h"
#include "sync/run/known_keys.h"
#include "sync/run/name_twins.h"
#include "sync/run/run_report.h"
#include "sync/run/state_writer.h"
#include "sync/run/store_clock.h"
#include "sync/run/unfinished_writes.h"
#include "sync/run/writable_store.h"
#include "sync/scan/filter.h"
#include "sync/transfer/transfer.h"

namespace cloudsync::sync {

class Placer;

// What was asked for, with defaults filled in.
struct RunSettings {
  std::string command;  // "upload", "download", "sync"
  Direction direction = Direction::kSync;
  ConflictStrategy strategy = ConflictStrategy::kTimestampWins;
  Deletes deletes = Deletes::kPropagate;
  bool mirror = false;
  bool dry_run = false;
  bool checksum = false;
  bool size_only = false;
  // Another bucket or database, as was asked for: the base counts for nothing.
  bool compare_anew = false;
  MaxDelete max_delete;
  std::set<Force> force;
  EngineOptions engine;
  TransferSettings transfer;
  std::vector<std::string> only_keys;
  OwnFiles own_files;
  Overlap overlap;
  std::optional<DatabaseClaim> claim;  // what is remembered beside the root

  bool writes_bucket() const { return direction != Direction::kDownload; }
  bool writes_root() const { return direction != Direction::kUpload; }
};

// Everything the steps of one run share; all references outlive it. No step owns another.
struct RunContext {
  const RunSettings& settings;
  base::FileSystem& files;
  storage::ObjectStore& store;  // for reading; retries, counts
  WritableStore& writable;      // for writing; probes a custom endpoint first
  SyncStateDatabase& state;
  StateWriter* writer;  // nothing in a dry run
  RunReport& report;
  base::WorkerPool& pool;
  DeleteSpool& deletes;
  const Filter& filter;
  Rewrites& rewrites;
  KnownKeys& known;  // keys with an open conflict or a recorded failure
  const base::Clock& clock;
  StoreClock& store_clock;
  base::Random& random;
  PairRecord pair;
  RunId run = 0;
  std::string run_name;  // names this run's trash
  CallContext call;
  std::function<void()> stop_run;    // after a fatal error: no new work begins
  IntentLog* intents = nullptr;      // nothing in a dry run
  UnfinishedWrites unfinished = {};  // of earlier runs
  bool base_demoted = false;         // the base rows of earlier runs prove nothing
  NameTwins* names = nullptr;        // nothing = no two keys can be one name here
  Placer* placer = nullptr;          // nothing in a run that does not write the root

  const std::string& prefix() const { return pair.identity.prefix; }
  storage::ObjectKey full_key(const std::string& key) const { return {prefix() + key}; }
  bool follow_links() const { return settings.engine.links == Links::kFollow; }
};

}  // namespace cloudsync::sync

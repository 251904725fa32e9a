// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/concurrency_controller.h"
#include "base/file_system.h"
#include "cloudsync/cloud_sync.h"
#include "sync/run/deletion_phase.h"
#include "sync/run/key_runner.h"
#include "sync/run/list_order.h"
#include "sync/run/run_context.h"
#include "sync/scan/scan.h"

namespace cloudsync::sync {

// What a run works with; everything is behind an interface, so that a simulator can own
// it all.
struct RunParts {
  base::FileSystem& files;
  storage::ObjectStore& store;  // retrying, counting
  WritableStore& writable;
  SyncStateDatabase& state;
  base::ConcurrencyController& concurrency;
  const base::Clock& clock;
  base::Random& random;
  RunReport& report;
  std::function<RequestCounts()> requests;
  std::stop_token stop;
};

// One run of one pair: marker and epoch, the merge with its transfers, the brakes, the
// deletions, the late keys, the books. The lock is held by the caller.
class SyncRun {
 public:
  SyncRun(RunParts parts, RunSettings settings, PairRecord pair, Filter filter);
  ~SyncRun();

  // Never throws for what a single key or the service does; see SyncProgress.
  SyncProgress execute();

 private:
  struct Counts {
    std::uint64_t local = 0, remote = 0, base = 0;  // what a run can act on
  };

  bool accept_root();
  void demote_base(const MarkerView& marker);
  bool is_proven_by_files();
  bool refuse_root(const std::string& brake, const std::string& message);
  void begin();
  void work();
  void merge_all();
  void merge_range(const KeyRange& range, const std::vector<std::string>& above);
  void merge_once(const KeyRange& range, const std::vector<std::string>& above);
  void merge_folder(const std::string& key);
  void run_only_keys();
  void look_for_items();
  LocalScanOptions local_options(const KeyRange& range) const;
  RemoteScanOptions remote_options(const KeyRange& range) const;
  std::unique_ptr<BaseCursor> base_cursor(const KeyRange& range);
  void count(const MergedItem& item);
  bool check_rewrites();
  bool check_brakes();
  bool apply_brake(const std::optional<Brake>& brake);
  void delete_and_finish();
  void tidy();
  void tidy_root();
  void drop_held();
  SyncProgress end();
  SyncProgress result();
  void tick(const std::stop_token& stop);
  void abandon_in_time(std::chrono::milliseconds elapsed);
  bool going() const;

  RunParts parts_;
  RunSettings settings_;
  Filter filter_;
  std::stop_source stop_;     // nothing new is begun
  std::stop_source abandon_;  // and what is on its way is not awaited any more
  std::unique_ptr<std::stop_callback<std::function<void()>>> outer_stop_;
  DeleteSpool deletes_;
  Rewrites rewrites_;
  KnownKeys known_;
  NameTwins names_;
  StoreClock store_clock_;
  ListOrder list_order_;
  base::WorkerPool pool_;
  std::unique_ptr<StateWriter> writer_;
  std::unique_ptr<IntentLog> intents_;
  std::unique_ptr<Placer> placer_;
  std::unique_ptr<PlacingBatch> placing_;
  RunContext context_;
  std::unique_ptr<KeyRunner> keys_;
  Counts counts_;
  std::int64_t started_ns_ = 0;
  std::chrono::milliseconds since_stop_{};
  std::jthread ticker_;
};

}  // namespace cloudsync::sync

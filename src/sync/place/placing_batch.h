// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "cloudsync/cloud_sync.h"
#include "sync/place/place.h"

namespace cloudsync::sync {

struct PlaceTask {
  PlaceRequest request;
  // Called once the file is in place and, with durability batch or full, survives a power
  // cut; then the base row may be written. `racy` = its stat is too fresh to prove
  // anything later. Also called when nothing was placed (result.status says so).
  std::function<void(const PlaceResult& result, bool racy)> on_placed;
  std::function<void(const Error&)> on_error;
};

// Takes downloads the last step. The order temp data on disk, rename, directory on disk,
// base row is kept for every file; with durability `batch` the two flushes are shared by
// all files of a batch, with `full` each file has its own, with `none` there are none.
class PlacingBatch {
 public:
  PlacingBatch(base::FileSystem& files, Placer& placer, Durability durability,
               const base::Clock& clock);
  ~PlacingBatch();  // places what was handed in

  void submit(PlaceTask task);
  void wait_idle();  // every submitted task has had its callback

 private:
  struct Placed {
    PlaceTask task;
    PlaceResult result;
  };
  void run(const std::stop_token& stop);
  void place_batch(std::vector<PlaceTask> batch);
  std::optional<PlaceResult> place_one(PlaceTask& task);
  void settle(std::vector<Placed>& placed);
  bool is_in_coarse_tick(const base::FileStat& stat) const;
  void report_placed(Placed& placed, bool racy);
  void sync_content(const std::string& path);
  void place_now(PlaceTask task);

  base::FileSystem& files_;
  Placer& placer_;
  Durability durability_;
  const base::Clock& clock_;
  std::mutex mutex_;
  std::condition_variable_any arrived_;
  std::condition_variable idle_;
  std::vector<PlaceTask> waiting_;
  std::size_t unfinished_ = 0;
  bool hurry_ = false;
  std::jthread thread_;
};

}  // namespace cloudsync::sync

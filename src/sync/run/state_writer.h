// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "cloudsync/error.h"
#include "cloudsync/sync_state.h"

namespace cloudsync::sync {

// The one thread that writes the database during a run: gathers changes and commits them
// in batches, those of one add() call always together. A failed commit ends the run
// (`on_failure` is called once): transfers that were done are found equal by the next
// run.
class StateWriter {
 public:
  StateWriter(SyncStateDatabase& database, std::function<void(const Error&)> on_failure);
  ~StateWriter();  // commits what is left

  void add(std::vector<StateChange> changes);
  // Returns when everything added before is committed; throws the commit's Error.
  void flush();

 private:
  void run(const std::stop_token& stop);
  void commit(std::vector<StateChange> batch);

  SyncStateDatabase& database_;
  std::function<void(const Error&)> on_failure_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::condition_variable committed_;
  std::vector<StateChange> pending_;
  std::uint64_t added_ = 0;
  std::uint64_t done_ = 0;
  bool flushing_ = false;
  std::optional<Error> failure_;
  std::jthread thread_;
};

}  // namespace cloudsync::sync

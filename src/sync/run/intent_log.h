// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "cloudsync/error.h"
#include "cloudsync/sync_state.h"

namespace cloudsync::sync {

// Writes down what is about to be sent, and returns when it is committed. Whoever comes
// first commits for all that wait by then, on its own thread: alone it pays for one small
// transaction, in a crowd for a share of one. Thread-safe.
class IntentLog {
 public:
  explicit IntentLog(SyncStateDatabase& database) : database_(database) {}

  // Throws the commit's Error, from then on always: nothing may be sent any more.
  void commit(IntentRow row) { commit_change(SaveIntent{std::move(row)}); }
  // Of what will not be carried out; throws alike.
  void withdraw(EraseIntents intents) { commit_change(std::move(intents)); }

 private:
  void commit_change(StateChange change);
  void commit_waiting(std::unique_lock<std::mutex>& lock);

  SyncStateDatabase& database_;
  std::mutex mutex_;
  std::condition_variable committed_;
  std::vector<StateChange> waiting_;  // this and the following: guarded by mutex_
  std::uint64_t added_ = 0;
  std::uint64_t done_ = 0;
  bool committing_ = false;
  std::optional<Error> failure_;
};

}  // namespace cloudsync::sync

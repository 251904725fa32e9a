// SPDX-License-Identifier: Apache-2.0
#include "sync/run/intent_log.h"

#include <thread>
#include <utility>

namespace cloudsync::sync {

void IntentLog::commit_change(StateChange change) {
  std::unique_lock lock(mutex_);
  waiting_.push_back(std::move(change));
  const std::uint64_t mine = ++added_;
  while (done_ < mine) {
    if (committing_)
      committed_.wait(lock);
    else
      commit_waiting(lock);
  }
  if (failure_) throw *failure_;
}

void IntentLog::commit_waiting(std::unique_lock<std::mutex>& lock) {
  committing_ = true;
  // Those that are about to come share the transaction.
  lock.unlock();
  std::this_thread::yield();
  lock.lock();
  const std::vector<StateChange> batch = std::exchange(waiting_, {});
  const std::uint64_t last = added_;
  lock.unlock();
  std::optional<Error> error;
  try {
    database_.apply(batch);
  } catch (const Error& caught) {
    error = caught;
  }
  lock.lock();
  committing_ = false;
  done_ = last;
  if (error && !failure_) failure_ = std::move(error);
  committed_.notify_all();
}

}  // namespace cloudsync::sync

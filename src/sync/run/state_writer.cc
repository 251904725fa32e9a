// SPDX-License-Identifier: Apache-2.0
#include "sync/run/state_writer.h"

#include <chrono>
#include <iterator>

namespace cloudsync::sync {

namespace {

constexpr std::size_t kBatchRows = 1000;
// A writer that falls behind slows the workers down instead of growing without bound.
constexpr std::size_t kMostPending = 50000;
constexpr std::chrono::milliseconds kBatchTime{100};

}  // namespace

StateWriter::StateWriter(SyncStateDatabase& database,
                         std::function<void(const Error&)> on_failure)
    : database_(database),
      on_failure_(std::move(on_failure)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

StateWriter::~StateWriter() {
  thread_.request_stop();
  thread_.join();
}

void StateWriter::add(std::vector<StateChange> changes) {
  std::unique_lock lock(mutex_);
  committed_.wait(lock, [&] { return pending_.size() < kMostPending || failure_; });
  if (failure_) return;
  added_ += changes.size();
  pending_.insert(pending_.end(), std::make_move_iterator(changes.begin()),
                  std::make_move_iterator(changes.end()));
  if (pending_.size() >= kBatchRows) changed_.notify_one();
}

void StateWriter::flush() {
  std::unique_lock lock(mutex_);
  const std::uint64_t target = added_;
  flushing_ = true;
  changed_.notify_one();
  committed_.wait(lock, [&] { return done_ >= target || failure_; });
  if (failure_) throw *failure_;
}

void StateWriter::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait_for(lock, stop, kBatchTime,
                      [&] { return pending_.size() >= kBatchRows || flushing_; });
    if (pending_.empty()) {
      flushing_ = false;
      if (stop.stop_requested()) return;
      continue;
    }
    std::vector<StateChange> batch = std::move(pending_);
    pending_.clear();
    flushing_ = false;
    lock.unlock();
    commit(std::move(batch));
    lock.lock();
  }
}

void StateWriter::commit(std::vector<StateChange> batch) {
  const std::size_t count = batch.size();
  std::optional<Error> error;
  try {
    database_.apply(batch);
  } catch (const Error& caught) {
    error = caught;
  }
  {
    const std::lock_guard lock(mutex_);
    done_ += count;
    if (error && !failure_) failure_ = error;
    committed_.notify_all();
  }
  if (error) on_failure_(*error);
}

}  // namespace cloudsync::sync

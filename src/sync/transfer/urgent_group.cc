// SPDX-License-Identifier: Apache-2.0
#include "sync/transfer/urgent_group.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <utility>

namespace cloudsync::sync {

// Shared with the tasks, which may still be leaving when the group is gone.
struct UrgentGroup::Shared {
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t in_flight = 0;
  std::uint64_t ended = 0;
  bool dropped = false;  // no task begins any more
  std::exception_ptr failure;

  bool may_begin() {
    const std::lock_guard lock(mutex);
    return !dropped;
  }

  void end(std::exception_ptr error) {
    const std::lock_guard lock(mutex);
    if (error && !dropped) {
      failure = std::move(error);
      dropped = true;
    }
    --in_flight;
    ++ended;
    changed.notify_all();
  }

  // The pool's tasks must not throw: this is the thread's boundary.
  void run(const Task& task) {
    std::exception_ptr error;
    if (may_begin()) {
      try {
        task();
      } catch (...) {
        error = std::current_exception();
      }
    }
    end(std::move(error));
  }
};

UrgentGroup::UrgentGroup(base::WorkerPool& pool, std::size_t max_in_flight)
    : pool_(pool), max_in_flight_(max_in_flight), shared_(std::make_shared<Shared>()) {}

UrgentGroup::~UrgentGroup() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->dropped = true;
  }
  drain();
  const std::lock_guard lock(shared_->mutex);
  shared_->failure = nullptr;
}

bool UrgentGroup::has_slot() const {
  const std::size_t allowed = std::max<std::size_t>(pool_.limit(), 2);
  const std::lock_guard lock(shared_->mutex);
  return shared_->in_flight < std::min(max_in_flight_, allowed);
}

bool UrgentGroup::idle() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->in_flight == 0;
}

std::uint64_t UrgentGroup::ended() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->ended;
}

// The owner takes the exception along, so that no task that is still leaving frees it.
void UrgentGroup::throw_if_failed() {
  std::exception_ptr failure;
  {
    const std::lock_guard lock(shared_->mutex);
    failure = std::exchange(shared_->failure, nullptr);
  }
  if (failure) std::rethrow_exception(failure);
}

void UrgentGroup::help_or_wait(std::uint64_t ended_before) {
  if (pool_.run_one_urgent()) return;
  std::unique_lock lock(shared_->mutex);
  shared_->changed.wait(
      lock, [&] { return shared_->ended != ended_before || shared_->in_flight == 0; });
}

void UrgentGroup::wait_for_slot() {
  while (true) {
    throw_if_failed();
    const std::uint64_t before = ended();
    if (has_slot()) return;
    help_or_wait(before);
  }
}

void UrgentGroup::submit(Task task) {
  {
    const std::lock_guard lock(shared_->mutex);
    ++shared_->in_flight;
  }
  pool_.submit_urgent([shared = shared_, task = std::move(task)] { shared->run(task); });
}

void UrgentGroup::drain() {
  while (!idle()) help_or_wait(ended());
}

void UrgentGroup::finish() {
  drain();
  throw_if_failed();
}

}  // namespace cloudsync::sync

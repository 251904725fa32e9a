// SPDX-License-Identifier: Apache-2.0
#include "base/worker_pool.h"

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

#include "cloudsync/error.h"

namespace cloudsync::base {

WorkerPool::WorkerPool(std::size_t max_threads, std::size_t limit,
                       std::size_t queue_capacity)
    : max_threads_(std::max<std::size_t>(max_threads, 1)),
      queue_capacity_(std::max<std::size_t>(queue_capacity, 1)),
      limit_(std::clamp<std::size_t>(limit, 1, max_threads_)) {
  workers_.reserve(max_threads_);
  idle_workers_.reserve(max_threads_);
}

WorkerPool::~WorkerPool() {
  std::unique_lock lock(mutex_);
  closing_ = true;
  drop_ordinary(lock);
  idle_changed_.wait(lock, [this] { return running_ == 0 && helping_ == 0; });
  exiting_ = true;
  while (!idle_workers_.empty()) wake_one();
  lock.unlock();
  for (const auto& worker : workers_) worker->thread.join();
}

// Without the lock, since captures may do anything when they go; and before anybody waits
// for running tasks, since those may wait for what the captures hold.
void WorkerPool::drop_ordinary(std::unique_lock<std::mutex>& lock) {
  std::deque<Task> dropped;
  dropped.swap(ordinary_);
  room_.notify_all();
  lock.unlock();
  dropped.clear();
  lock.lock();
}

bool WorkerPool::submit(Task task, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  room_.wait(lock, stop, [this] { return has_room(); });
  if (stop.stop_requested() || closing_) return false;
  ordinary_.push_back(std::move(task));
  wake_workers();
  return true;
}

void WorkerPool::submit_urgent(Task task) {
  const std::lock_guard lock(mutex_);
  urgent_.push_back(std::move(task));
  wake_workers();
}

bool WorkerPool::run_one_urgent() {
  std::unique_lock lock(mutex_);
  if (urgent_.empty() || exiting_) return false;
  Task task = std::move(urgent_.front());
  urgent_.pop_front();
  ++helping_;
  lock.unlock();
  task();
  task = nullptr;
  lock.lock();
  --helping_;
  idle_changed_.notify_all();
  return true;
}

void WorkerPool::wait_idle(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  if (idle_changed_.wait(lock, stop, [this] { return is_idle(); })) return;
  drop_ordinary(lock);
  idle_changed_.wait(lock, [this] { return is_idle(); });
}

void WorkerPool::set_limit(std::size_t limit) {
  const std::lock_guard lock(mutex_);
  limit_ = std::clamp<std::size_t>(limit, 1, max_threads_);
  wake_workers();
}

std::size_t WorkerPool::limit() const {
  const std::lock_guard lock(mutex_);
  return limit_;
}

std::size_t WorkerPool::running() const {
  const std::lock_guard lock(mutex_);
  return running_;
}

bool WorkerPool::is_idle() const {
  return ordinary_.empty() && urgent_.empty() && running_ == 0 && helping_ == 0;
}

bool WorkerPool::can_start() const {
  // While closing, urgent tasks run only for the sake of somebody who is still at work.
  if (closing_ && running_ == 0 && helping_ == 0) return false;
  return !exiting_ && running_ < limit_ && !(urgent_.empty() && ordinary_.empty());
}

// Keeps the invariant: while tasks wait and the limit allows, enough workers are on their
// way.
void WorkerPool::wake_workers() {
  const std::size_t queued = urgent_.size() + ordinary_.size();
  while (running_ + starting_ < limit_ && starting_ < queued) {
    if (!wake_one()) return;
  }
}

// False when no thread could be had; those that run take the task later.
bool WorkerPool::wake_one() {
  if (idle_workers_.empty()) return workers_.size() < max_threads_ && start_thread();
  Worker* worker = idle_workers_.back();
  idle_workers_.pop_back();
  ++starting_;
  worker->woken = true;
  worker->wake.notify_one();
  return true;
}

bool WorkerPool::start_thread() {
  auto worker = std::make_unique<Worker>();
  worker->woken = true;
  try {
    worker->thread = std::thread([this, self = worker.get()] { work(*self); });
  } catch (const std::system_error& error) {
    if (!workers_.empty()) return false;
    throw Error(ErrorCode::kInternal,
                std::string("cannot start a thread: ") + error.what());
  }
  workers_.push_back(std::move(worker));
  ++starting_;
  return true;
}

void WorkerPool::work(Worker& self) {
  std::unique_lock lock(mutex_);
  while (!exiting_) {
    self.wake.wait(lock, [&self] { return self.woken; });
    self.woken = false;
    --starting_;
    while (can_start()) run_next(lock);
    if (!exiting_) idle_workers_.push_back(&self);
  }
}

void WorkerPool::run_next(std::unique_lock<std::mutex>& lock) {
  Task task = take_next();
  ++running_;
  lock.unlock();
  task();
  task = nullptr;  // its captures are gone before anybody hears that the pool is idle
  lock.lock();
  --running_;
  if (is_idle() || closing_) idle_changed_.notify_all();
}

WorkerPool::Task WorkerPool::take_next() {
  std::deque<Task>& queue = urgent_.empty() ? ordinary_ : urgent_;
  Task task = std::move(queue.front());
  queue.pop_front();
  if (&queue == &ordinary_) room_.notify_all();
  return task;
}

}  // namespace cloudsync::base

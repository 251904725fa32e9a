// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace cloudsync::base {

// Threads that run two kinds of tasks: ordinary ones (a file) from a bounded queue, and
// urgent ones (a part of a large file) that go first. Whoever waits for urgent tasks
// helps to run them, so a file that was cut into parts never deadlocks a pool whose
// threads all wait for parts. The number of tasks that run at once is `limit`, at most
// `max_threads`, changeable at any time.
class WorkerPool {
 public:
  using Task = std::function<void()>;  // must not throw

  WorkerPool(std::size_t max_threads, std::size_t limit, std::size_t queue_capacity);
  // Drops tasks that have not begun and joins. Urgent tasks still run while an ordinary
  // one is running, since that one may be waiting for them.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Blocks while the queue is full; returns false (task dropped) once `stop` fires.
  bool submit(Task task, std::stop_token stop = {});
  void submit_urgent(Task task);  // never blocks
  // Runs one urgent task on the calling thread; false when there is none.
  bool run_one_urgent();
  // Until no task is queued or running, or `stop` fires (then queued ordinary tasks are
  // dropped and running ones awaited).
  void wait_idle(std::stop_token stop = {});

  void set_limit(std::size_t limit);
  std::size_t limit() const;
  std::size_t max_threads() const { return max_threads_; }
  std::size_t running() const;  // tasks on the pool's own threads

 private:
  struct Worker {
    std::condition_variable wake;
    bool woken = false;
    std::thread thread;
  };

  bool has_room() const { return ordinary_.size() < queue_capacity_ || closing_; }
  bool is_idle() const;
  bool can_start() const;
  void drop_ordinary(std::unique_lock<std::mutex>& lock);
  void wake_workers();
  bool wake_one();
  bool start_thread();
  void work(Worker& self);
  void run_next(std::unique_lock<std::mutex>& lock);
  Task take_next();

  const std::size_t max_threads_;
  const std::size_t queue_capacity_;

  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable_any room_;
  std::condition_variable_any idle_changed_;
  std::deque<Task> ordinary_;
  std::deque<Task> urgent_;
  std::vector<std::unique_ptr<Worker>> workers_;
  // Last in, first out: few threads stay busy, so the connections they own are reused.
  std::vector<Worker*> idle_workers_;
  std::size_t limit_;
  std::size_t running_ = 0;
  std::size_t starting_ = 0;  // woken, but not yet at work
  std::size_t helping_ = 0;   // urgent tasks inside run_one_urgent()
  bool closing_ = false;
  bool exiting_ = false;
};

}  // namespace cloudsync::base

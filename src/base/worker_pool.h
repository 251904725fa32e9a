// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace cloudsync::base {

// Threads that run two kinds of tasks: ordinary ones (a file) from a bounded queue, and urgent ones
// (a part of a large file) that go first. Whoever waits for urgent tasks helps to run them, so a
// file that was cut into parts never deadlocks a pool whose threads all wait for parts.
// The number of tasks that run at once is `limit`, at most `max_threads`, changeable at any time.
class WorkerPool {
 public:
  using Task = std::function<void()>;  // must not throw

  WorkerPool(std::size_t max_threads, std::size_t limit, std::size_t queue_capacity);
  ~WorkerPool();  // drops tasks that have not begun, joins

  // Blocks while the queue is full; returns false (task dropped) once `stop` fires.
  bool submit(Task task, std::stop_token stop = {});
  void submit_urgent(Task task);  // never blocks
  // Runs one urgent task on the calling thread; false when there is none.
  bool run_one_urgent();
  // Until no task is queued or running, or `stop` fires (then queued ordinary tasks are dropped and
  // running ones awaited).
  void wait_idle(std::stop_token stop = {});

  void set_limit(std::size_t limit);
  std::size_t limit() const;
  std::size_t running() const;
};

}  // namespace cloudsync::base

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/worker_pool.h"

namespace cloudsync::sync {

// The parts of one large file as urgent tasks of the pool. Tasks may throw: the first
// error stops those that have not begun and is rethrown to the owner. Whoever waits helps
// to run urgent tasks, so a pool whose threads all own large files still makes progress.
// Owned by one thread.
class UrgentGroup {
 public:
  using Task = std::function<void()>;

  // At once: `max_in_flight`, and no more than the pool's limit allows by then.
  UrgentGroup(base::WorkerPool& pool, std::size_t max_in_flight);
  ~UrgentGroup();  // drops what has not begun, waits for what has
  UrgentGroup(const UrgentGroup&) = delete;
  UrgentGroup& operator=(const UrgentGroup&) = delete;

  bool has_slot() const;
  bool idle() const;
  // Until a slot is free. Throws the first error of a task.
  void wait_for_slot();
  // Until no task is left. Throws the first error of a task.
  void wait_until_idle() { finish(); }
  void submit(Task task);
  // Until all tasks ended. Throws the first error of a task.
  void finish();
  // Throws the first error of a task, once.
  void throw_if_failed();

  // For an owner with work of its own: sample, look for work, and when there is none wait
  // for a task that ends after the sample.
  std::uint64_t ended() const;
  void help_or_wait(std::uint64_t ended_before);

 private:
  struct Shared;
  void drain();

  base::WorkerPool& pool_;
  std::size_t max_in_flight_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace cloudsync::sync

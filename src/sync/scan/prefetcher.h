// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

#include "base/call_context.h"

namespace cloudsync::sync {

// Runs a producer of batches on a thread of its own, at most `capacity` finished batches
// ahead of the one consumer. The producer's exception comes out of pop() after the
// batches before it. Stops, and the destructor returns, as soon as the producer has
// noticed its context's stop token, which fires on destruction and when the caller's
// does.
template <typename Batch>
class Prefetcher {
 public:
  using Produce = std::function<bool(Batch&, const CallContext&)>;  // false at the end

  Prefetcher(std::size_t capacity, const CallContext& context, Produce produce)
      : capacity_(capacity),
        produce_(std::move(produce)),
        own_context_{stop_.get_token(), context.deadline},
        forward_(context.stop, [this] { stop_.request_stop(); }),
        thread_([this] { run(); }) {}

  ~Prefetcher() { stop_.request_stop(); }

  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;

  bool pop(Batch& batch) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !batches_.empty() || finished_; });
    if (batches_.empty()) {
      if (failure_) std::rethrow_exception(failure_);
      return false;
    }
    batch = std::move(batches_.front());
    batches_.pop_front();
    changed_.notify_all();
    return true;
  }

 private:
  void run() {
    std::exception_ptr failure;
    try {
      Batch batch;
      while (produce_(batch, own_context_)) {
        push(std::move(batch));
        batch = Batch();
      }
    } catch (...) {  // carried over to the consumer's thread
      failure = std::current_exception();
    }
    const std::scoped_lock lock(mutex_);
    failure_ = failure;
    finished_ = true;
    changed_.notify_all();
  }

  void push(Batch batch) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, own_context_.stop,
                  [this] { return batches_.size() < capacity_; });
    own_context_.throw_if_stopped();
    batches_.push_back(std::move(batch));
    changed_.notify_all();
  }

  const std::size_t capacity_;
  const Produce produce_;
  std::stop_source stop_;
  const CallContext own_context_;
  std::mutex mutex_;  // guards batches_, finished_, failure_
  std::condition_variable_any changed_;
  std::deque<Batch> batches_;
  bool finished_ = false;
  std::exception_ptr failure_;
  std::stop_callback<std::function<void()>> forward_;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace cloudsync::sync

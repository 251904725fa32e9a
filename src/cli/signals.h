// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <stop_token>
#include <thread>

#include <signal.h>

namespace cloudsync::cli {

// Turns SIGINT, SIGTERM and SIGHUP (unless it was ignored when the program began, as
// under nohup) into a stop request, on a thread of its own, so that nothing happens
// inside a signal handler; SIGPIPE is ignored. Outside a GracefulScope there is nothing
// to save and the first signal ends the process with 128 + its number; inside it the
// first one asks to stop, and the second one, or two seconds, end the process. Must be
// made before any other thread, since it blocks the signals for all threads that follow.
class SignalWatcher {
 public:
  // `on_stop` is called once, from the watching thread, when a stop was requested; it
  // must not wait, or a second signal would not be seen.
  explicit SignalWatcher(std::function<void(int signal)> on_stop);
  ~SignalWatcher();
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

  std::stop_token token() const { return stop_.get_token(); }
  int signal() const { return signal_; }  // the first one, 0 = none

  class GracefulScope {
   public:
    explicit GracefulScope(SignalWatcher& watcher) : watcher_(watcher) {
      watcher_.graceful_ = true;
    }
    ~GracefulScope() { watcher_.graceful_ = false; }
    GracefulScope(const GracefulScope&) = delete;
    GracefulScope& operator=(const GracefulScope&) = delete;

   private:
    SignalWatcher& watcher_;
  };

 private:
  void watch();
  void receive(int signal);
  int wait_ms() const;

  std::function<void(int)> on_stop_;
  std::stop_source stop_;
  std::atomic<int> signal_{0};
  std::atomic<bool> graceful_{false};
  std::chrono::steady_clock::time_point out_at_{};  // of the watching thread; 0 = never
  sigset_t before_{};
  int signal_fd_ = -1;
  int wake_fd_ = -1;
  std::thread thread_;
};

}  // namespace cloudsync::cli

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace cloudsync::base {

// Finds how many requests should be in flight: climbs while throughput grows, steps back
// when it does not, halves when the service throttles. Pure arithmetic on observations;
// the caller owns time. Thread-safe.
class ConcurrencyController {
 public:
  struct Options {
    std::size_t initial = 4;
    std::size_t minimum = 1;
    std::size_t maximum = 32;
    bool fixed =
        false;  // a number was configured: only throttling lowers it, and it recovers
  };
  explicit ConcurrencyController(Options options);

  void on_completed(std::uint64_t bytes);  // one request done
  void on_throttled();  // halves at once, but only once between two ticks
  // Called every ~200 ms with the time that passed; returns the number of requests to
  // allow now.
  std::size_t tick(std::chrono::milliseconds elapsed);
  std::size_t current() const;

 private:
  enum class Phase {
    kClimbing,    // doubling while it pays
    kHolding,     // at the best limit so far
    kProbing,     // a little more, to see whether conditions changed
    kRecovering,  // one more each tick after throttling
  };

  struct Window {
    std::uint64_t requests = 0;
    std::uint64_t bytes = 0;
    std::chrono::milliseconds elapsed{};
  };

  void change_limit(std::size_t limit);
  bool settled();
  bool window_complete() const;
  double window_score() const;
  void judge();
  void judge_climb(double score);
  void judge_hold(double score);
  void judge_probe(double score);
  void recover();
  void hold(std::size_t limit);

  const Options options_;
  mutable std::mutex mutex_;  // guards everything below
  Phase phase_;
  std::size_t limit_;
  Window window_;
  bool settling_ =
      false;  // requests that began under the previous limit are still ending
  bool throttled_ = false;  // since the last tick
  std::size_t best_limit_ = 0;
  double best_score_ = 0;
  std::size_t recover_to_ = 0;
  std::chrono::milliseconds held_{};
  std::chrono::milliseconds probe_interval_;
};

}  // namespace cloudsync::base

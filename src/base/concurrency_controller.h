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
    std::size_t maximum = 256;
    bool fixed =
        false;  // a number was configured: only throttling lowers it, and it recovers
  };
  explicit ConcurrencyController(Options options);

  void on_completed(std::uint64_t bytes);  // one request done
  void on_throttled();  // halves at once; what comes within 200 ms is the same refusal
  // Called every 20 to 200 ms with the time that passed and whether there was work for
  // all that is allowed: without it throughput says nothing. Returns the number of
  // requests to allow now.
  std::size_t tick(std::chrono::milliseconds elapsed, bool busy = true);
  std::size_t current() const;
  std::size_t maximum() const { return options_.maximum; }

  struct Report {
    std::size_t highest = 0;  // allowed at any time
    std::size_t current = 0;
    std::uint64_t throttled = 0;  // refusals
  };
  Report report() const;

 private:
  enum class Phase {
    kClimbing,    // doubling while it pays
    kHolding,     // at the best limit so far
    kProbing,     // a little more, to see whether conditions changed
    kRecovering,  // step by step after throttling
  };

  struct Window {
    std::uint64_t requests = 0;
    std::uint64_t bytes = 0;
    std::chrono::milliseconds elapsed{};
    int ticks = 0;
    int busy_ticks = 0;
  };

  void change_limit(std::size_t limit);
  bool settled();
  bool window_complete() const;
  bool window_was_busy() const;
  double window_score() const;
  void judge();
  void judge_climb(double score);
  void judge_hold(double score);
  void judge_probe(double score);
  void recover(std::chrono::milliseconds elapsed);
  void hold(std::size_t limit);

  const Options options_;
  mutable std::mutex mutex_;  // guards everything below
  Phase phase_;
  std::size_t limit_;
  Window window_;
  bool settling_ =
      false;  // requests that began under the previous limit are still ending
  std::chrono::milliseconds deaf_{};  // to refusals, for so long
  std::uint64_t refusals_ = 0;
  std::size_t highest_ = 0;
  int strikes_ = 0;  // climbing steps in a row that did not pay
  std::size_t best_limit_ = 0;
  double best_score_ = 0;
  std::size_t recover_to_ = 0;
  std::chrono::milliseconds since_step_{};  // of the recovery
  std::chrono::milliseconds held_{};
  std::chrono::milliseconds probe_interval_;
};

}  // namespace cloudsync::base

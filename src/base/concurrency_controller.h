// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace cloudsync::base {

// Finds how many requests should be in flight: climbs while throughput grows, steps back when it
// does not, halves when the service throttles. Pure arithmetic on observations; the caller owns
// time. Thread-safe.
class ConcurrencyController {
 public:
  struct Options {
    std::size_t initial = 4;
    std::size_t minimum = 1;
    std::size_t maximum = 32;
    bool fixed = false;  // a number was configured: only throttling lowers it, and it recovers
  };
  explicit ConcurrencyController(Options options);

  void on_completed(std::uint64_t bytes);  // one request done
  void on_throttled();
  // Called every ~200 ms with the time that passed; returns the number of requests to allow now.
  std::size_t tick(std::chrono::milliseconds elapsed);
  std::size_t current() const;
};

}  // namespace cloudsync::base

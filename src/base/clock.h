// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>

namespace cloudsync::base {

// Time as a dependency: the engine, the signers and the retry loop never ask the system directly,
// so a test or a simulator can own time.
class Clock {
 public:
  virtual ~Clock() = default;
  // Nanoseconds since 1970-01-01T00:00:00Z.
  virtual std::int64_t now_ns() const = 0;
  virtual std::chrono::steady_clock::time_point steady_now() const = 0;
  // Sleeps at most `duration`; returns false at once when `stop` fires.
  virtual bool sleep_for(std::chrono::milliseconds duration, std::stop_token stop) const = 0;
};

// The process-wide real clock; stateless.
const Clock& system_clock();

}  // namespace cloudsync::base

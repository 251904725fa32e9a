// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <stop_token>

#include "base/clock.h"

namespace cloudsync::auth {

// For tests: a clock that stands still until it is set forward.
class SettableClock final : public base::Clock {
 public:
  static constexpr std::int64_t kSecond = 1'000'000'000;
  // 2026-11-23T18:00:00Z
  static constexpr std::int64_t kStart = 1795456800 * kSecond;

  std::int64_t now_ns() const override { return now_ns_; }
  std::chrono::steady_clock::time_point steady_now() const override {
    return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(now_ns_));
  }
  bool sleep_for(std::chrono::milliseconds, std::stop_token) const override {
    return true;
  }
  void advance(std::int64_t seconds) { now_ns_ += seconds * kSecond; }

 private:
  std::atomic<std::int64_t> now_ns_ = kStart;
};

}  // namespace cloudsync::auth

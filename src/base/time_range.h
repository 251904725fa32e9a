// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <optional>

namespace cloudsync::base {

// Arithmetic with times that strangers wrote. A time is nanoseconds since the epoch in 64
// bits, which reach from 1677-09-21 to 2262-04-11: what is earlier or later becomes the
// first or the last of these, so that it keeps its order against everything else.
constexpr std::int64_t kFirstTime = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kLastTime = std::numeric_limits<std::int64_t>::max();

constexpr std::int64_t time_sum(std::int64_t time_ns, std::int64_t by_ns) {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(time_ns, by_ns, &sum)) return sum;
  return by_ns < 0 ? kFirstTime : kLastTime;
}

constexpr std::int64_t time_difference(std::int64_t later_ns, std::int64_t earlier_ns) {
  std::int64_t difference = 0;
  if (!__builtin_sub_overflow(later_ns, earlier_ns, &difference)) return difference;
  return earlier_ns > 0 ? kFirstTime : kLastTime;
}

// seconds * 10^9 + nanoseconds (0 .. 10^9 - 1). Nothing outside the years 1 to 9999: that
// is no date but a fault.
constexpr std::optional<std::int64_t> time_of_seconds(std::int64_t seconds,
                                                      std::int64_t nanoseconds = 0) {
  constexpr std::int64_t kYear1 = -62'135'596'800;
  constexpr std::int64_t kYear10000 = 253'402'300'800;
  constexpr std::int64_t kSecond = 1'000'000'000;
  if (seconds < kYear1 || seconds >= kYear10000) return std::nullopt;
  const bool before_1970 = seconds < 0;
  // Towards zero first, so that the first representable second stays in range.
  if (before_1970) {
    seconds += 1;
    nanoseconds -= kSecond;
  }
  std::int64_t ns = 0;
  if (__builtin_mul_overflow(seconds, kSecond, &ns))
    return before_1970 ? kFirstTime : kLastTime;
  return time_sum(ns, nanoseconds);
}

}  // namespace cloudsync::base

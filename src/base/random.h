// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace cloudsync::base {

// Randomness as a dependency (jitter, run ids, temporary names). Thread-safe.
class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t next() = 0;
  // Uniform in [0, bound); 0 for bound 0.
  std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : next() % bound; }
};

// Seeded from the operating system.
Random& system_random();

// 32 lower-case hex digits (128 bits).
std::string random_hex_id(Random& random);

}  // namespace cloudsync::base

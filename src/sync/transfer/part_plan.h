// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>

#include "storage/object_store.h"

namespace cloudsync::sync {

// How a large file is cut: equal parts, the last one shorter. Part numbers are 1-based.
struct PartPlan {
  std::uint64_t size = 0;
  std::uint64_t part_size = 0;

  std::uint32_t count() const {
    return static_cast<std::uint32_t>((size + part_size - 1) / part_size);
  }
  storage::ByteRange range(std::uint32_t number) const {
    const std::uint64_t offset = (number - 1) * part_size;
    return {.offset = offset, .length = std::min(part_size, size - offset)};
  }
};

// The wanted size, raised so that `max_parts` are enough, in whole MiB and multiples of
// what the store takes, within its limits.
inline PartPlan plan_parts(std::uint64_t size, std::uint64_t wanted,
                           const storage::Capabilities& capabilities) {
  constexpr std::uint64_t mebibyte = 1ULL << 20;
  const std::uint64_t step =
      std::lcm(mebibyte, std::max<std::uint64_t>(1, capabilities.part_multiple));
  const std::uint64_t parts = std::max<std::uint64_t>(1, capabilities.max_parts);
  const std::uint64_t least = (size + parts - 1) / parts;
  const std::uint64_t rounded = (std::max(wanted, least) + step - 1) / step * step;
  const std::uint64_t low = std::max<std::uint64_t>(1, capabilities.min_part);
  const std::uint64_t high = std::max(low, capabilities.max_part);
  return {.size = size,
          .part_size = std::clamp(std::max<std::uint64_t>(step, rounded), low, high)};
}

}  // namespace cloudsync::sync

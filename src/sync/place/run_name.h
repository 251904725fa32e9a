// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"

namespace cloudsync::sync {

// What a run's trash is called: "20261123T180000Z-a1b2c3-d4e5f6", the time by our clock,
// chance, and the replica whose trash it is. Runs of before named no replica.
struct RunName {
  std::int64_t time_ns = 0;
  std::string replica;  // "" = not named
};

std::string make_run_name(const base::Clock& clock, base::Random& random,
                          const std::string& pair_uuid);
// The form in which names tell the replica.
std::string replica_name(const std::string& pair_uuid);
// Nothing for names of any other form: nothing below those is ours.
std::optional<RunName> parse_run_name(std::string_view name);

}  // namespace cloudsync::sync

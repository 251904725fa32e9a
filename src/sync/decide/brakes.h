// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "cloudsync/cloud_sync.h"

namespace cloudsync::sync {

// What a brake needs to know about one side once the whole plan stands.
struct DeletionCount {
  std::uint64_t planned = 0;  // deletions on this side
  std::uint64_t renames =
      0;  // of these, matched by a file of equal size and MD5 created this run
  std::uint64_t never_synced = 0;  // planned ones without a base row (--mirror)
  std::uint64_t base_rows = 0;     // this pair's base rows when the run began
};

struct Brake {
  std::string name;     // "max-delete", "emptied", "root", "restored-local",
                        // "restored-cloud", "listing"
  std::string message;  // what was seen, what was not done, how to go on
};

// More than 10 and more than 50 % by default; an explicit number or share replaces both.
// The whole is what could have gone: base rows and what was never synced.
std::optional<Brake> max_delete_brake(Side side, const DeletionCount& count,
                                      const MaxDelete& limit,
                                      const std::set<Force>& force);
// A source without a single item while something would be deleted because of that, be it
// known from earlier runs or not: more likely a wrong place than a wish.
std::optional<Brake> emptied_brake(Side source, std::uint64_t items_seen,
                                   const DeletionCount& on_the_other_side,
                                   const std::set<Force>& force);

// The marker <root>/.cloudsync/root.json against the database (docs/semantics.md, "When
// the base itself is wrong").
struct MarkerView {
  bool present = false;
  bool uuid_matches = false;  // this root and this pair
  std::int64_t epoch = 0;
};
enum class MarkerVerdict { kNormal, kAdopt, kDemoteBase, kBrakeRestored, kBrakeRoot };
MarkerVerdict judge_marker(const MarkerView& marker, const PairRecord& pair,
                           bool has_base_rows, std::uint64_t root_dev,
                           std::uint64_t root_ino);

}  // namespace cloudsync::sync

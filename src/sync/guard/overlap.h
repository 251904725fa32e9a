// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cloudsync/cloud_sync.h"

namespace cloudsync::sync {

// A pair of the database and how it was last run.
struct KnownPair {
  PairIdentity identity;
  Direction direction = Direction::kSync;
};

// What a run must respect of pairs whose folder and prefix both overlap its own, but at
// different offsets, so that one file has two keys.
struct Overlap {
  // Relative folders ("local/") that are unknown to this run: another pair's target, or
  // this run's own target as its source shows it.
  std::vector<std::string> foreign;
  std::vector<std::string> warnings;

  bool hides(std::string_view key) const;
};

// A one-way run into or out of a folder inside another pair's folder goes together with
// that pair. Throws Error{kInvalidArgument} naming both pairs where a run would see its
// own output: two-way ones, and one-way ones that enclose the other.
Overlap judge_overlap(const PairIdentity& wanted, Direction direction,
                      const std::vector<KnownPair>& others);

}  // namespace cloudsync::sync

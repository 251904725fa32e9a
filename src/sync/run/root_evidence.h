// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "base/file_system.h"
#include "base/kept_numbers.h"
#include "base/random.h"
#include "cloudsync/sync_state.h"

namespace cloudsync::sync {

// What the files of a root say about whether it is the one that the base rows describe.
struct RootEvidence {
  std::size_t sampled = 0;
  std::size_t as_recorded = 0;  // with the size and mtime of their rows
  bool any_older = false;       // an mtime before its row's: an older copy of the tree

  // At least 95 %; an empty sample proves nothing.
  bool is_enough() const {
    return sampled > 0 && !any_older && as_recorded * 100 >= sampled * 95;
  }
};

// Of 200 random files among the rows, or all where there are fewer. Reads all rows once.
RootEvidence gather_root_evidence(base::FileSystem& files, SyncStateDatabase& state,
                                  PairId pair, base::Random& random);

// Which numbers the root's file system keeps between runs: all where it is known for it,
// else those that most of a sample of rows shows to have stayed.
base::KeptNumbers judge_kept_numbers(base::FileSystem& files, SyncStateDatabase& state,
                                     PairId pair);

}  // namespace cloudsync::sync

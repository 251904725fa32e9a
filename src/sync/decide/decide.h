// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "cloudsync/cloud_sync.h"

namespace cloudsync::sync {

// One side against the base. With a base row: unchanged, touched (U*: same content,
// another token, generation or time), modified, deleted. Without: absent, created.
enum class Change { kUnchanged, kTouched, kModified, kDeleted, kAbsent, kCreated };

// The two sides' contents against each other, where both exist.
enum class Content { kUnknown, kEqual, kDifferent };

// For timestamp_wins. Tie: within 2 s, clocks too far apart, or a time in the future.
enum class Newer { kUnknown, kLocal, kRemote, kTie };

struct Situation {
  Change local = Change::kAbsent;
  Change remote = Change::kAbsent;
  Content content = Content::kUnknown;
  Newer newer = Newer::kUnknown;
};

struct DecideOptions {
  Direction direction = Direction::kSync;
  ConflictStrategy strategy = ConflictStrategy::kTimestampWins;
  Deletes deletes = Deletes::kPropagate;
  bool mirror = false;
};

enum class ActionKind {
  kNone,     // nothing to do, base stays
  kRefresh,  // contents unchanged, stat or token drifted: rewrite the base row
  kPut,      // upload; create-only when the remote is absent, else replacing the observed
             // token
  kGet,      // download; new name or replacing the observed file
  kDeleteRemote,  // of the observed token
  kDeleteLocal,   // of the observed file, to the trash
  kAdopt,         // base := both, nothing moves
  kForget,        // drop the base row
  kKeep,          // drift: nothing moves, base untouched
  kHold,          // open conflict: nothing moves, base untouched
  kFork,          // keep both: local file to a conflict name, then get
  kForkRemote,    // upload: remote copied to a conflict key, then put
  kNeedCompare,   // find out Situation::content, then ask again
  kNeedTimes,     // find out Situation::newer, then ask again
};

struct Action {
  ActionKind kind = ActionKind::kNone;
  // The dagger of the tables: the version that is overwritten or deleted is secured
  // first.
  bool secure_loser = false;
  // Both sides changed and the strategy settled it (or holds it): reported as a conflict.
  bool conflict = false;
  int row = 0;  // of the decision table, for the audit
};

// The decision table of docs/semantics.md for one key. Pure and total; never asks twice
// for the same thing. Unknown sides never get here.
Action decide(const Situation& situation, const DecideOptions& options);

std::string_view action_kind_name(ActionKind kind);

}  // namespace cloudsync::sync

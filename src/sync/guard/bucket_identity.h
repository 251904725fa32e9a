// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/call_context.h"
#include "base/random.h"
#include "cloudsync/sync_state.h"
#include "storage/object_store.h"

namespace cloudsync::sync {

// Is the bucket the one that this pair was synced with? Asked of stores whose bucket is a
// folder: an unmounted disk leaves an empty one, which is neither an empty bucket nor a
// place to fill.
struct BucketQuestion {
  storage::ObjectStore& store;
  SyncStateDatabase& state;
  const PairRecord& pair;
  bool writes_bucket = false;
  bool dry_run = false;
  bool forced = false;  // --force root: go on whatever it is, compared anew
};

enum class BucketVerdict { kSame, kCompareAnew, kBrake };
struct BucketAnswer {
  BucketVerdict verdict = BucketVerdict::kSame;
  std::string message;  // of a brake
};

// Throws kNotFound when the bucket has gone, or nothing shows that it is the one. A
// bucket that proves to be the pair's, but was made before there were ids, gets one.
// kCompareAnew: the base rows have been erased, except in a dry run.
BucketAnswer ask_for_bucket(const BucketQuestion& question, base::Random& random,
                            const CallContext& context);

// At the end of a run: a pair that had not seen the bucket has seen it now.
void remember_bucket(const BucketQuestion& question, const CallContext& context);

}  // namespace cloudsync::sync

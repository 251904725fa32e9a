// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cloudsync/sync_state.h"
#include "storage/object_store.h"

namespace cloudsync::sync {

// Why both sides are known to hold the same content. Whoever writes a base row names one
// of these; an equal size is none of them.
enum class Proof {
  kTransferred,     // this run moved the bytes and hashed them on the way
  kCompared,        // both contents' hashes, part hashes or bytes were compared
  kStillUnchanged,  // an earlier proof holds: neither side's content has moved since
  kNoContent,       // a folder and its marker: there is nothing to compare
};

// The only way to write the base row of a key.
StateChange proven_base(PairId pair, BaseRow row, Proof proof);

// What becomes of a row that an older version wrote when it took equal sizes for equal
// contents (kBaseUnproven): its hash is the local file's, and nobody may have read the
// object.
enum class Doubt {
  kNone,      // a proven row
  kCleared,   // the object's own hash is the row's
  kHarmless,  // the object is gone, and the local file would only go to the trash
  kVoid,      // a hint at most: the key is decided as if it had no base row
};
Doubt doubt_of(const BaseRow& base, const storage::ObjectInfo* object, bool trash);

}  // namespace cloudsync::sync

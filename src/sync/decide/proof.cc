// SPDX-License-Identifier: Apache-2.0
#include "sync/decide/proof.h"

#include <utility>

#include "storage/object_metadata.h"

namespace cloudsync::sync {

StateChange proven_base(PairId pair, BaseRow row, Proof proof) {
  row.flags &= ~kBaseUnproven;
  switch (proof) {
    case Proof::kTransferred:
      row.flags = (row.flags & ~kBaseCompared) | kBaseTransferred;
      break;
    case Proof::kCompared:
      row.flags = (row.flags & ~kBaseTransferred) | kBaseCompared;
      break;
    case Proof::kStillUnchanged:
      break;
    case Proof::kNoContent:
      row.flags &= ~(kBaseCompared | kBaseTransferred);
      break;
  }
  return UpsertBase{pair, std::move(row)};
}

Doubt doubt_of(const BaseRow& base, const storage::ObjectInfo* object, bool trash) {
  if ((base.flags & kBaseUnproven) == 0 || base.kind == EntryKind::kDirectory) {
    return Doubt::kNone;
  }
  if (object == nullptr) return trash ? Doubt::kHarmless : Doubt::kVoid;
  // Where writers are not trusted an MD5 proves nothing.
  if (base.sha256 || object->size != base.size) return Doubt::kVoid;
  const auto told = storage::told_md5(*object);
  const auto& hash = told ? told : object->md5_candidate;
  return hash && *hash == base.md5 ? Doubt::kCleared : Doubt::kVoid;
}

}  // namespace cloudsync::sync

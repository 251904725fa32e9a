// SPDX-License-Identifier: Apache-2.0
#include <string_view>

#include "cloudsync/sync_state.h"

namespace cloudsync {

std::string_view action_name(OperationAction action) {
  switch (action) {
    case OperationAction::kUpload:
      return "upload";
    case OperationAction::kDownload:
      return "download";
    case OperationAction::kDeleteLocal:
      return "delete_local";
    case OperationAction::kDeleteRemote:
      return "delete_remote";
    case OperationAction::kAdopt:
      return "adopt";
    case OperationAction::kForget:
      return "forget";
    case OperationAction::kConflict:
      return "conflict";
    case OperationAction::kConflictCopy:
      return "conflict_copy";
    case OperationAction::kArchived:
      return "archived";
    case OperationAction::kUnsafe:
      return "unsafe";
    case OperationAction::kSkip:
      return "skip";
  }
  return "unknown";
}

std::string_view conflict_reason_text(ConflictReason reason) {
  switch (reason) {
    case ConflictReason::kBothModified:
      return "both sides changed";
    case ConflictReason::kBothCreated:
      return "both sides created it with different contents";
    case ConflictReason::kLocalDeletedRemoteModified:
      return "deleted locally, changed in the cloud";
    case ConflictReason::kLocalModifiedRemoteDeleted:
      return "changed locally, deleted in the cloud";
    case ConflictReason::kTypeConflict:
      return "a file on one side, a directory on the other";
    case ConflictReason::kCaseCollision:
      return "differs from another name only in case";
  }
  return "unknown";
}

}  // namespace cloudsync

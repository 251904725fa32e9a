// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "sync/place/place.h"
#include "sync/run/journal.h"
#include "sync/run/remote_trash.h"
#include "sync/run/run_context.h"

namespace cloudsync::sync {

// The last phase: carries out the spooled deletions, children before parents, each only
// if the side still holds what was planned for and the other side still lacks it. Stops
// when the root vanishes.
class DeletionPhase {
 public:
  DeletionPhase(RunContext& context, Placer* placer);

  void report_planned();  // dry run
  void carry_out();

 private:
  void remove_local(const PlannedDelete& planned);
  void remove_local_directory(const PlannedDelete& planned);
  void remove_emptied_parents(const std::string& key);
  void remove_remote(const PlannedDelete& planned);
  bool may_batch();
  void remove_batch(const std::vector<PlannedDelete>& batch);
  bool still_absent_locally(const PlannedDelete& planned);
  void settle(const PlannedDelete& planned, storage::Outcome outcome,
              std::string trash_ref);
  void fail(const PlannedDelete& planned, const Error& error);
  bool root_is_safe();

  RunContext& context_;
  Placer* placer_;
  Journal journal_;
  RemoteTrash trash_;
};

}  // namespace cloudsync::sync

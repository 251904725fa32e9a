// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "sync/place/place.h"
#include "sync/run/journal.h"
#include "sync/run/remote_trash.h"
#include "sync/run/run_context.h"

namespace cloudsync::sync {

// The last phase: carries out the spooled deletions, each only if the side still holds
// what was planned for and the other side still lacks it; a folder only after everything
// in it has its outcome. Stops when the root vanishes.
class DeletionPhase {
 public:
  DeletionPhase(RunContext& context, Placer* placer);

  void report_planned();  // dry run
  void carry_out();
  // Folders that were to go and hold what stays: the next look at them decides anew.
  std::vector<std::string> take_kept_folders();
  // In which something was to be removed and was not.
  std::set<std::string> stuck_folders();

 private:
  // Why something in a folder did not go.
  enum class Blocked { kChanged, kFailed };

  void remove_all();
  void drop_queued();
  bool check_root();
  bool submit(std::function<void()> work);
  void await_workers();
  void submit_one(const PlannedDelete& planned, bool batched = false);
  void remove_files();
  void remove_folders();
  bool stays_because_of_children(const PlannedDelete& planned);
  void keep_folder(const PlannedDelete& planned);
  std::string why_not_empty(const std::string& path);
  bool holds_synced(const std::string& folder);
  void block_parents(const std::string& key, Blocked why);
  void note_emptied(const std::string& key);
  void remove_emptied_parents();
  bool remove_emptied(const std::string& path);
  void remove_local(const PlannedDelete& planned);
  void remove_local_directory(const PlannedDelete& planned);
  void remove_remote(const PlannedDelete& planned);
  bool may_batch();
  bool goes_to_trash(const PlannedDelete& planned);
  bool secure(PlannedDelete& planned);
  void remove_secured(PlannedDelete planned);
  void remove_batch(const std::vector<PlannedDelete>& batch);
  bool still_absent_locally(const PlannedDelete& planned);
  void settle(const PlannedDelete& planned, storage::Outcome outcome,
              std::string trash_ref);
  void removed_here(PlannedDelete planned, std::string trash_ref);
  void settle_removed_here(std::vector<PlannedDelete> removed);
  void fail(const PlannedDelete& planned, const Error& error);
  bool root_is_safe();

  RunContext& context_;
  Placer* placer_;
  Journal journal_;
  RemoteTrash trash_;
  std::uint64_t seen_ = 0;
  bool safe_ = true;

  std::mutex mutex_;
  std::map<std::string, Blocked> blocked_;  // folders in which something stayed
  std::set<std::string> emptied_;           // folders in which a file went
  std::vector<std::string> kept_;
  std::vector<PlannedDelete> secured_;       // copied, not deleted yet
  std::vector<PlannedDelete> removed_here_;  // gone, perhaps not yet on the disk
};

}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sync/place/place.h"
#include "sync/place/placing_batch.h"
#include "sync/run/journal.h"
#include "sync/run/observe.h"
#include "sync/run/remote_trash.h"
#include "sync/run/run_context.h"

namespace cloudsync::sync {

// Carries single keys from what the merge saw to their outcome. The merge's thread
// decides whatever needs no reading; reading, moving and placing happen on the pool and
// the placing thread. A key whose sides move meanwhile is observed and decided again. One
// key's failure is that key's outcome and never another's.
class KeyRunner {
 public:
  // `placing` and `placer` are nothing for runs that do not write the root.
  KeyRunner(RunContext& context, PlacingBatch* placing, Placer* placer);

  void dispatch(MergedItem item);
  void run_key(const std::string& key);  // observes it first
  void wait();                           // every key has its outcome
  // Keys that could not be written because of a file or object in their way that this run
  // deletes at its end. The second time round such a key is a conflict.
  std::vector<std::string> take_late_keys();
  // A range of local keys that could not be looked at and that no entry tells of.
  void report_unknown(const UnknownRange& range);
  // Closes what the database has open for keys that no longer exist on either side.
  void close_vanished();
  // Closes the failure of a folder that this run could look through.
  void close_folder(const std::string& key);
  // Own uploads that no run will take up again.
  void abort_orphans();
  // What is left of downloads that no run will take up again.
  void drop_stale_downloads();
  // The same at the end of a run that went through: all but those that failed again.
  void drop_dead_downloads();

 private:
  struct Task {
    Observed observed;
    int tries = 0;
    std::optional<std::uint64_t> queued_bytes;
    bool choice_applied = false;  // a recorded resolution is being carried out
    std::string copy_name;        // of the conflict copy
  };
  using TaskPtr = std::shared_ptr<Task>;

  bool seen_open(const std::string& key);
  void report_problems(const MergedItem& item);
  bool settle_quickly(Observed& observed);
  void start(TaskPtr task, bool urgent);
  void run_guarded(const TaskPtr& task);
  void run(const TaskPtr& task);
  bool is_choice_moot(const Observed& observed) const;
  void execute(const TaskPtr& task);
  void again(const TaskPtr& task, const std::string& why);
  void fail(const TaskPtr& task, const Error& error);
  Error with_trash_size(const Error& error);
  void finish(const TaskPtr& task);

  void refresh(const Observed& observed);
  void adopt(const TaskPtr& task);
  void forget(const Observed& observed);
  void plan_delete(const TaskPtr& task);
  void hold(const Observed& observed, ConflictReason reason);
  bool apply_choice(const TaskPtr& task);
  void report_settled(const TaskPtr& task);

  void put(const TaskPtr& task);
  void archived(const TaskPtr& task);
  void commit_put(const TaskPtr& task, UploadResult result, std::string trash_ref);
  bool fork_remote(const TaskPtr& task);
  void get(const TaskPtr& task);
  void get_special(const TaskPtr& task);
  bool name_copy(const TaskPtr& task);
  void place(const TaskPtr& task, DownloadResult result);
  void commit_get(const TaskPtr& task, const DownloadResult& result,
                  const PlaceResult& placed, bool racy);
  bool queue(const TaskPtr& task, std::uint64_t bytes);
  bool blocked_by_directory(const TaskPtr& task);

  // Two keys that are one name on the root's file system.
  void note_new_name(const MergedItem& item);
  bool lost_name(const Observed& observed);
  bool blocked_by_twin(const TaskPtr& task);
  bool is_hidden_by_twin(const Observed& observed);
  void leave_as_twin(const Observed& observed);

  bool set_aside(const TaskPtr& task);
  void follow_up(const std::string& key);

  TransferEnvironment& upload_environment();
  TransferEnvironment& download_environment();
  TransferEnvironment make_environment(storage::ObjectStore& store);

  RunContext& context_;
  PlacingBatch* placing_;
  Placer* placer_;
  Journal journal_;
  RemoteTrash trash_;
  std::once_flag upload_once_, download_once_;
  std::unique_ptr<TransferEnvironment> upload_, download_;

  std::mutex mutex_;
  std::condition_variable idle_;
  std::size_t active_ = 0;
  std::set<std::string> late_keys_;
  std::set<std::string> set_aside_once_;
  std::set<std::string> seen_open_;  // keys with an open row that this run came across
};

}  // namespace cloudsync::sync

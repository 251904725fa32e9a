// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
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
  // True when the key is passed over: the program's own, a credential's, or what another
  // pair writes.
  bool leave_guarded(const MergedItem& item);
  void run_key(const std::string& key);  // observes it first
  void wait();                           // every key has its outcome
  // The base rows of what neither side has any more go, now that the listing is whole.
  void settle_forgotten();
  // Once the deletions are done: the keys whose names were taken by a file or folder that
  // perhaps was to go. What still stands in their way is a conflict. `stuck` are folders
  // in which something was to be removed and was not.
  void run_late_keys(std::set<std::string> stuck);
  // In a dry run: what a choice would do to everything in this folder ("a/") was told.
  bool is_planned_below(const std::string& folder);
  // A range of local keys that could not be looked at and that no entry tells of.
  void report_unknown(const UnknownRange& range);
  // A folder of which nothing can be known; its failure stays open.
  void skip_folder(const std::string& key, const Error& error);
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
    bool late = false;            // the deletions are done
    bool rewrite_counted = false;
    // Of the object that is replaced, once it is known.
    std::optional<storage::OwnerProperties> owner;
  };
  using TaskPtr = std::shared_ptr<Task>;

  bool seen_open(const std::string& key);
  bool leave_foreign(const std::string& key);
  bool is_gone(const std::string& key) const;
  void report_problems(const MergedItem& item);
  bool settle_quickly(Observed& observed);
  void start(TaskPtr task, bool urgent);
  void run_guarded(const TaskPtr& task);
  void run(const TaskPtr& task);
  bool is_choice_moot(const Observed& observed) const;
  void execute(const TaskPtr& task);
  bool wait_as_rewrite(const TaskPtr& task);
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
  bool know_owner(const TaskPtr& task);
  bool describe_replaced(const TaskPtr& task);
  storage::Tags tags_of(const storage::ObjectInfo& object);
  UploadResult upload_keeping(UploadJob job);
  void tell_tags_lost(const char* what, const Error& error);
  void commit_put(const TaskPtr& task, UploadResult result, std::string trash_ref);
  bool fork_remote(const TaskPtr& task);
  void get(const TaskPtr& task);
  void get_special(const TaskPtr& task);
  bool name_copy(const TaskPtr& task);
  void place(const TaskPtr& task, DownloadResult result);
  void fail_placing(const TaskPtr& task, const Error& error);
  void commit_get(const TaskPtr& task, const DownloadResult& result,
                  const PlaceResult& placed, bool racy);
  bool queue(const TaskPtr& task, std::uint64_t bytes);

  // A file on one side, a folder on the other.
  void set_aside(const TaskPtr& task);
  std::map<std::string, TaskPtr> take_late();
  static bool has_parent_in(const std::string& key,
                            const std::map<std::string, TaskPtr>& tasks);
  bool prove(MergedItem& item);
  void note_proof(const MergedItem& item);
  bool left_as_unsafe(const TaskPtr& task);
  bool waits_for_stuck(const TaskPtr& task);
  bool waits_for_parent(const TaskPtr& task, const storage::Capabilities& store);
  bool waits_for_children(const TaskPtr& task);
  bool blocked_by_directory(const TaskPtr& task);
  bool blocked_by_file(const TaskPtr& task);
  bool part_of_type_conflict(const Observed& observed);
  bool is_wanted_below(const std::string& key);
  bool stays_below(const std::string& key);
  bool is_folder(const std::string& path);
  std::optional<std::string> file_above(const std::string& key);
  bool is_type_conflict(const Observed& observed);
  void hold_type(const TaskPtr& task);
  void hold_root(const std::string& root);
  void move_file_aside(const TaskPtr& task);
  void move_object_aside(const TaskPtr& task);
  bool drop_object(const TaskPtr& task, std::string kept_as);
  bool apply_type_choice(const TaskPtr& task);
  void plan_folder_here(const TaskPtr& task, ConflictStrategy choice);
  void plan_file_here(const TaskPtr& task, ConflictStrategy choice);
  void note_planned_below(const std::string& key);
  void require_real_run(const std::string& key) const;
  void settle_folder_here(const TaskPtr& task, ConflictStrategy choice);
  void settle_file_here(const TaskPtr& task, ConflictStrategy choice);
  bool holds_objects(const std::string& key);
  void remove_file_here(const std::string& key, const base::FileStat& stat);
  void remove_folder_here(const std::string& key);
  void remove_folder_there(const std::string& key);
  void remove_object_there(const RemoteEntry& entry);
  bool for_each_file_below(const std::string& key,
                           const std::function<void(const LocalEntry&)>& visit);
  std::optional<std::int64_t> shown_ns(const std::string& key) const;
  [[noreturn]] static void refuse_unseen(const std::string& key);
  [[noreturn]] static void refuse_partly(const std::string& key);
  bool for_each_object_below(const std::string& key,
                             const std::function<void(const RemoteEntry&)>& visit);

  // Two keys that are one name on the root's file system.
  void note_new_name(const MergedItem& item);
  bool lost_name(const Observed& observed);
  bool blocked_by_twin(const TaskPtr& task);
  bool is_to_go(const std::string& name);
  bool is_hidden_by_twin(const Observed& observed);
  void leave_as_twin(const Observed& observed);

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

  std::atomic<bool> tags_told_ = false;     // reading tags was answered in this run
  std::atomic<bool> tags_refused_ = false;  // and here, or in a write, refused

  std::mutex mutex_;
  std::condition_variable idle_;
  std::size_t active_ = 0;
  std::map<std::string, TaskPtr> late_;  // wait for the deletions
  std::set<std::string> ever_late_;
  std::set<std::string> wanted_below_;    // files in the way of what the bucket has below
  std::set<std::string> beside_;          // objects beside others that they hide
  std::set<std::string> unproven_below_;  // objects that may hide more than is asked for
  std::set<std::string> held_roots_;
  std::set<std::string> planned_below_;  // folders that a dry run is done with
  std::set<std::string> foreign_seen_;
  std::set<std::string> seen_open_;  // keys with an open row that this run came across
  std::set<std::string> stuck_;      // written before the late keys run
  std::size_t hidden_ = 0;           // of the merge's thread
};

}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
// KeyRunner: a file on one side where the other has a folder. What is to go goes first;
// where an edit stands against the change, the folder keeps the name and the file moves
// to a conflict name.
#include <utility>

#include "sync/run/empty_folders.h"
#include "sync/run/key_runner.h"
#include "sync/scan/key_rules.h"

namespace cloudsync::sync {

namespace {

// HEAD requests of one run for what a listing may hide.
constexpr std::size_t kMostProofs = 10'000;

}  // namespace

// Waiting for what stands in the way
// --------------------------------------------------------------

void KeyRunner::set_aside(const TaskPtr& task) {
  {
    const std::lock_guard lock(mutex_);
    late_.insert_or_assign(task->observed.item.key, task);
    ever_late_.insert(task->observed.item.key);
  }
  finish(task);
}

std::map<std::string, KeyRunner::TaskPtr> KeyRunner::take_late() {
  const std::lock_guard lock(mutex_);
  return std::exchange(late_, {});
}

// A name's own outcome comes before that of what lies below it. A conflict copy that is
// sent meanwhile may have to wait as well.
void KeyRunner::run_late_keys(std::set<std::string> stuck) {
  stuck_ = std::move(stuck);
  auto open = take_late();
  while (!open.empty() && !context_.call.stopped()) {
    std::map<std::string, TaskPtr> below;
    for (const auto& [key, task] : open) {
      if (has_parent_in(key, open)) {
        below.emplace(key, task);
        continue;
      }
      task->late = true;
      task->tries = 1;
      task->choice_applied = false;
      task->copy_name.clear();
      start(task, false);
    }
    wait();
    open = take_late();
    open.merge(below);
  }
  wait();
}

bool KeyRunner::has_parent_in(const std::string& key,
                              const std::map<std::string, TaskPtr>& tasks) {
  for (auto slash = key.find('/'); slash != std::string::npos && slash + 1 <= key.size();
       slash = key.find('/', slash + 1)) {
    if (tasks.contains(key.substr(0, slash))) return true;
  }
  return false;
}

// Asks for an object that a listing may have hidden. False when too many were asked for.
bool KeyRunner::prove(MergedItem& item) {
  if (hidden_ == kMostProofs) {
    const std::lock_guard lock(mutex_);
    unproven_below_.insert(item.below);
    return false;
  }
  ++hidden_;
  auto task = std::make_shared<Task>();
  task->observed.item = std::move(item);
  task->tries = 1;
  start(std::move(task), false);
  return true;
}

void KeyRunner::note_proof(const MergedItem& item) {
  if (!item.hidden || !item.remote) return;
  const std::lock_guard lock(mutex_);
  beside_.insert(item.below);
}

// `k` beside `k/x` in the bucket: here only one of them can be. What is here or was in
// step stays, else the folder.
bool KeyRunner::left_as_unsafe(const TaskPtr& task) {
  const auto& item = task->observed.item;
  bool beside = item.objects_below;
  {
    const std::lock_guard lock(mutex_);
    beside |= beside_.contains(item.key);
  }
  const bool file_loses = beside && !item.local && !item.base;
  const bool child_loses = item.below_file && item.below_object;
  if (!file_loses && !child_loses) return false;
  context_.report.act(OperationAction::kUnsafe, item.key, item.remote->info.size);
  finish(task);
  return true;
}

bool KeyRunner::waits_for_stuck(const TaskPtr& task) {
  const auto& key = task->observed.item.key;
  if (!stuck_.contains(key + '/')) return false;
  context_.report.act(OperationAction::kSkip, key, 0);
  finish(task);
  return true;
}

// An upload below an object's name.
bool KeyRunner::waits_for_parent(const TaskPtr& task,
                                 const storage::Capabilities& store) {
  const auto& item = task->observed.item;
  if (!item.below_object || item.remote) return false;
  if (!task->late) {
    const bool holds = context_.settings.strategy == ConflictStrategy::kManual;
    if (store.nested_keys && !holds) return false;
    set_aside(task);
    return true;
  }
  {
    const std::lock_guard lock(mutex_);
    if (!held_roots_.contains(item.below)) return false;
  }
  finish(task);
  return true;
}

// The upload of a file that was a folder.
bool KeyRunner::waits_for_children(const TaskPtr& task) {
  const auto& item = task->observed.item;
  if (item.remote || item.key.ends_with('/')) return false;
  if (!task->late) {
    const bool keeps = context_.settings.direction == Direction::kUpload &&
                       context_.settings.deletes != Deletes::kPropagate;
    if (context_.settings.dry_run || keeps) return false;
    if (!item.objects_below && !item.base_below) return false;
    set_aside(task);
    return true;
  }
  if (waits_for_stuck(task)) return true;
  if (!is_wanted_below(item.key)) return false;
  if (context_.settings.strategy == ConflictStrategy::kManual) {
    hold_type(task);
  } else {
    move_file_aside(task);
  }
  return true;
}

// The download of a file where a folder is.
bool KeyRunner::blocked_by_directory(const TaskPtr& task) {
  const auto& item = task->observed.item;
  if (item.local || item.key.ends_with('/') || context_.settings.dry_run) return false;
  if (!is_folder(item.key)) return false;
  if (!task->late) {
    set_aside(task);
    return true;
  }
  if (waits_for_stuck(task)) return true;
  if (!context_.settings.engine.empty_dirs && remove_empty_folders(context_, item.key))
    return false;
  const bool settles = context_.settings.direction == Direction::kSync &&
                       context_.settings.strategy != ConflictStrategy::kManual;
  if (settles && stays_below(item.key)) {
    move_object_aside(task);
  } else {
    hold_type(task);
  }
  return true;
}

// The download of what lies below a file's name.
bool KeyRunner::blocked_by_file(const TaskPtr& task) {
  const auto& item = task->observed.item;
  if (context_.settings.dry_run) return false;
  if (!task->late) {
    if (!item.below_file) return false;
    {
      const std::lock_guard lock(mutex_);
      wanted_below_.insert(item.below);
    }
    set_aside(task);
    return true;
  }
  const auto root = file_above(item.key);
  if (!root) return false;
  hold_root(*root);
  finish(task);
  return true;
}

// A conflict inside a folder whose name is in conflict itself is one with it.
bool KeyRunner::part_of_type_conflict(const Observed& observed) {
  const auto& item = observed.item;
  const bool file_here = item.below_file && !item.below_object;
  const bool object_there = item.below_object && !item.remote;
  if (context_.settings.dry_run || (!file_here && !object_there)) return false;
  if (file_here) {
    const std::lock_guard lock(mutex_);
    wanted_below_.insert(item.below);
  }
  return true;
}

bool KeyRunner::is_wanted_below(const std::string& key) {
  const std::lock_guard lock(mutex_);
  return wanted_below_.contains(key);
}

// Whether the folder here holds what is in step or was to be sent.
bool KeyRunner::stays_below(const std::string& key) {
  const std::string folder = key + '/';
  {
    const std::lock_guard lock(mutex_);
    if (unproven_below_.contains(key)) return false;
    const auto late = ever_late_.lower_bound(folder);
    if (late != ever_late_.end() && late->starts_with(folder)) return true;
  }
  const auto rows =
      context_.state.base_rows(context_.pair.id, {folder, subtree_end(folder)});
  for (BaseRow row; rows->next(row);) {
    if ((row.flags & kBaseDirCreated) == 0) return true;
  }
  return false;
}

bool KeyRunner::is_folder(const std::string& path) {
  const auto stat = context_.files.stat(path);
  return stat && stat->kind == base::FileKind::kDirectory;
}

std::optional<std::string> KeyRunner::file_above(const std::string& key) {
  for (auto slash = key.find('/'); slash != std::string::npos;
       slash = key.find('/', slash + 1)) {
    std::string path = key.substr(0, slash);
    const auto stat = context_.files.stat(path);
    if (!stat) return std::nullopt;
    if (stat->kind != base::FileKind::kDirectory) return path;
  }
  return std::nullopt;
}

// Settling
// ----------------------------------------------------------------------------------------

bool KeyRunner::is_type_conflict(const Observed& observed) {
  const auto& item = observed.item;
  if (item.local) return !item.remote && item.objects_below;
  return item.remote && !item.key.ends_with('/') && is_folder(item.key);
}

void KeyRunner::hold_type(const TaskPtr& task) {
  {
    const std::lock_guard lock(mutex_);
    held_roots_.insert(task->observed.item.key);
  }
  hold(task->observed, ConflictReason::kTypeConflict);
  finish(task);
}

// The name in the way of a key, once, unless its own outcome was told.
void KeyRunner::hold_root(const std::string& root) {
  if (stuck_.contains(root + '/')) return;
  {
    const std::lock_guard lock(mutex_);
    if (!held_roots_.insert(root).second) return;
  }
  Observed observed;
  observed.item = observe_again(context_, root);
  hold(observed, ConflictReason::kTypeConflict);
}

void KeyRunner::move_file_aside(const TaskPtr& task) {
  auto& observed = task->observed;
  const std::string& key = observed.item.key;
  require_real_run(key);
  if (!name_copy(task)) return;
  const auto now = context_.files.stat(key);
  if (!now || !now->same_version(observed.item.local->stat)) {
    return again(task, "the file changed while it was moved to a conflict name");
  }
  // Whatever a program writes between look and rename moves along. The copy of an earlier
  // try may be there already.
  const auto moved = context_.files.rename_away(key, task->copy_name);
  const bool done =
      moved == base::RenameOutcome::kDone ||
      (moved == base::RenameOutcome::kTargetExists &&
       placer_->remove(key, observed.item.local->stat).status == PlaceStatus::kPlaced);
  if (!done) return again(task, "the file changed while it was moved to a conflict name");
  OperationRow operation =
      journal_.operation(key, OperationAction::kConflictCopy, observed.action.row);
  operation.trash_ref = task->copy_name;
  journal_.done(
      key, {EraseBase{context_.pair.id, key}, RecordOperation{std::move(operation)}});
  context_.report.act(OperationAction::kConflictCopy, key, observed.item.local->stat.size,
                      task->copy_name);
  report_settled(task);
  follow_up(task->copy_name);
  finish(task);
}

void KeyRunner::move_object_aside(const TaskPtr& task) {
  if (!fork_remote(task) || !drop_object(task, task->copy_name)) return;
  report_settled(task);
  follow_up(task->copy_name);
  finish(task);
}

// Removes the version that was seen; it is kept elsewhere by now. False when the task
// goes round again.
bool KeyRunner::drop_object(const TaskPtr& task, std::string kept_as) {
  const auto& observed = task->observed;
  const std::string& key = observed.item.key;
  require_real_run(key);
  const auto& info = observed.item.remote->info;
  storage::DeleteRequest request;
  request.key = info.key;
  request.if_match = info.token;
  const auto result = context_.writable.get(context_.call).remove(request, context_.call);
  if (result.outcome == storage::Outcome::kPreconditionFailed) {
    again(task, "the object changed before it was removed");
    return false;
  }
  OperationRow operation =
      journal_.operation(key, OperationAction::kDeleteRemote, observed.action.row);
  operation.old_token = info.token.value;
  operation.trash_ref = std::move(kept_as);
  operation.bytes = info.size;
  journal_.done(
      key, {EraseBase{context_.pair.id, key}, RecordOperation{std::move(operation)}});
  context_.report.act(OperationAction::kDeleteRemote, key, info.size);
  return true;
}

}  // namespace cloudsync::sync

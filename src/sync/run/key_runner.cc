// SPDX-License-Identifier: Apache-2.0
#include "sync/run/key_runner.h"

#include <algorithm>
#include <utility>

#include "sync/transfer/transfer.h"

namespace cloudsync::sync {

namespace {

constexpr int kMostTries = 4;

// What the merge saw around a key holds for the run.
void keep_relations(const MergedItem& before, MergedItem& item) {
  item.below = before.below;
  item.hidden = before.hidden;
  item.below_file = before.below_file;
  item.below_object = before.below_object;
  item.objects_below = before.objects_below;
  item.base_below = before.base_below;
}

Error unreadable(const std::string& detail) {
  return Error(ErrorCode::kPermissionDenied, "cannot be read: " + detail);
}

}  // namespace

KeyRunner::KeyRunner(RunContext& context, PlacingBatch* placing, Placer* placer)
    : context_(context),
      placing_(placing),
      placer_(placer),
      journal_(context),
      trash_(context) {}

// Flow
// ------------------------------------------------------------------------------------------

void KeyRunner::dispatch(MergedItem item) {
  drop_directory_record(item);
  if (!item.local && !item.remote && !item.base) return;
  if (settle_spelling(context_, item)) return;
  context_.report.checked();
  if (context_.known.failed(item.key) || context_.known.conflict(item.key) != nullptr) {
    const std::lock_guard lock(mutex_);
    seen_open_.insert(item.key);
  }
  report_problems(item);
  if (item.hidden && !item.local_unknown && prove(item)) return;
  if (item.local_unknown || item.remote_unknown) return;
  note_new_name(item);
  // On the stack: of a million keys nearly all end here.
  Observed observed;
  observed.item = std::move(item);
  if (decide_key(context_, observed, false) &&
      (settle_quickly(observed) || lost_name(observed))) {
    return;
  }
  auto task = std::make_shared<Task>();
  task->observed = std::move(observed);
  start(std::move(task), false);
}

void KeyRunner::run_key(const std::string& key) {
  {
    const std::lock_guard lock(mutex_);
    seen_open_.insert(key);
  }
  auto task = std::make_shared<Task>();
  task->observed.item.key = key;
  task->tries = 1;  // 1: what is known is void, look first
  start(std::move(task), false);
}

void KeyRunner::start(TaskPtr task, bool urgent) {
  if (!urgent) {
    const std::lock_guard lock(mutex_);
    ++active_;
  }
  auto work = [this, task] { run_guarded(task); };
  if (urgent) {
    context_.pool.submit_urgent(std::move(work));
  } else if (!context_.pool.submit(std::move(work), context_.call.stop)) {
    finish(task);
  }
}

void KeyRunner::run_guarded(const TaskPtr& task) {
  if (context_.call.stopped()) {
    finish(task);
    return;
  }
  try {
    run(task);
  } catch (const Error& error) {
    fail(task, error);
  } catch (const std::exception& error) {
    fail(task, Error(ErrorCode::kInternal, error.what()));
  }
}

void KeyRunner::run(const TaskPtr& task) {
  if (task->tries > 0) {
    const MergedItem before = std::move(task->observed.item);
    task->observed = Observed{};
    task->observed.item = observe_again(context_, before.key);
    if (leave_guarded(task->observed.item)) return finish(task);
    keep_relations(before, task->observed.item);
    note_proof(task->observed.item);
    if (task->tries == 1) report_problems(task->observed.item);
    if (task->observed.item.local_unknown) {
      finish(task);
      return;
    }
  }
  if (!decide_key(context_, task->observed, true)) {
    again(task, "the file or the object changed while it was compared");
    return;
  }
  if (apply_type_choice(task)) return;
  if (is_choice_moot(task->observed)) {
    context_.report.stale_resolution();
    return finish(task);
  }
  execute(task);
}

// The user asked for a resolution, and the sides no longer are in conflict: what the
// tables say now may be the opposite of what was chosen.
bool KeyRunner::is_choice_moot(const Observed& observed) const {
  const auto* row = context_.known.conflict(observed.item.key);
  if (context_.settings.only_keys.empty() || row == nullptr || !row->choice) return false;
  const auto kind = observed.action.kind;
  return kind != ActionKind::kHold && kind != ActionKind::kAdopt;
}

void KeyRunner::execute(const TaskPtr& task) {
  if (wait_as_rewrite(task)) return;
  switch (task->observed.action.kind) {
    case ActionKind::kPut:
      return put(task);
    case ActionKind::kForkRemote:
      if (know_owner(task) && fork_remote(task)) put(task);
      return;
    case ActionKind::kGet:
    case ActionKind::kFork:
      return get(task);
    case ActionKind::kAdopt:
      return adopt(task);
    case ActionKind::kDeleteLocal:
    case ActionKind::kDeleteRemote:
      plan_delete(task);
      return;
    case ActionKind::kHold:
      if (apply_choice(task)) return;
      if (part_of_type_conflict(task->observed)) break;
      if (is_type_conflict(task->observed)) return hold_type(task);
      hold(task->observed, conflict_reason(task->observed.situation));
      break;
    default:
      settle_quickly(task->observed);
      break;
  }
  finish(task);
}

// What needs no I/O and no worker. False for everything else.
bool KeyRunner::settle_quickly(Observed& observed) {
  switch (observed.action.kind) {
    case ActionKind::kNone:
    case ActionKind::kKeep:
      if (observed.stat_drifted && observed.action.kind == ActionKind::kNone)
        refresh(observed);
      else if (observed.action.kind == ActionKind::kNone)
        journal_.close(observed.item.key);
      context_.report.unchanged();
      return true;
    case ActionKind::kRefresh:
      refresh(observed);
      context_.report.unchanged();
      return true;
    case ActionKind::kForget:
      forget(observed);
      return true;
    default:
      return false;
  }
}

void KeyRunner::again(const TaskPtr& task, const std::string& why) {
  if (task->queued_bytes) {
    context_.report.unqueued(task->observed.item.key, *task->queued_bytes);
    task->queued_bytes.reset();
  }
  if (++task->tries >= kMostTries) {
    fail(task, Error(ErrorCode::kUnavailable,
                     why + " again and again; it is left for the next run"));
    return;
  }
  task->choice_applied = false;
  task->copy_name.clear();
  task->owner.reset();
  start(task, true);
}

void KeyRunner::fail(const TaskPtr& task, const Error& cause) {
  const Error error = with_trash_size(cause);
  const auto& key = task->observed.item.key;
  const auto kind = task->observed.action.kind;
  const bool get = kind == ActionKind::kGet || kind == ActionKind::kFork;
  const auto action = get ? OperationAction::kDownload : OperationAction::kUpload;
  if (error.code() == ErrorCode::kCancelled) return finish(task);
  context_.report.fail(action, key, error);
  journal_.failed(key, action, error);
  if (error.code() == ErrorCode::kUnauthenticated) {
    context_.report.fatal(error);
    context_.stop_run();
  }
  finish(task);
}

// Where space is short, the trash may be why.
Error KeyRunner::with_trash_size(const Error& error) {
  if (error.code() != ErrorCode::kDiskFull || placer_ == nullptr) return error;
  const std::uint64_t bytes = placer_->trash_bytes();
  if (bytes == 0) return error;
  return {error.code(),
          std::string(error.what()) + "; the trash '" + context_.files.root_path() + "/" +
              kTrashDirectory + "' holds " + std::to_string(bytes) +
              " bytes: lower trash_limit or trash_retention, or empty it by hand"};
}

void KeyRunner::finish(const TaskPtr& task) {
  if (task->queued_bytes) {
    context_.report.finished(task->observed.item.key, *task->queued_bytes);
    task->queued_bytes.reset();
  }
  const std::lock_guard lock(mutex_);
  if (--active_ == 0) idle_.notify_all();
}

void KeyRunner::wait() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [&] { return active_ == 0; });
}

bool KeyRunner::seen_open(const std::string& key) {
  const std::lock_guard lock(mutex_);
  return seen_open_.contains(key);
}

void KeyRunner::close_folder(const std::string& key) {
  if (context_.known.failed(key) && !seen_open(key)) journal_.close(key);
}

void KeyRunner::close_vanished() {
  for (const auto& key : context_.known.keys()) {
    if (key.ends_with('/')) {
      close_folder(key);
      continue;
    }
    if (seen_open(key) || !context_.filter.includes(key)) continue;
    if (is_gone(key)) journal_.close(key);
  }
}

// On both sides, as far as they can be looked at.
bool KeyRunner::is_gone(const std::string& key) const {
  try {
    const auto item = observe_again(context_, key);
    return !item.local && !item.remote;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kAlreadyExists) throw;
    return false;  // something that is no object is in its way
  }
}

void KeyRunner::report_unknown(const UnknownRange& range) {
  if (range.problem != LocalProblem::kUnreadable) return;
  const auto& settings = context_.settings;
  if (settings.own_files.hold(range.first) || settings.overlap.hides(range.first)) return;
  skip_folder(range.first, unreadable(range.reason));
}

void KeyRunner::skip_folder(const std::string& key, const Error& error) {
  context_.report.fail(OperationAction::kSkip, key.empty() ? "." : key, error);
  if (key.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    seen_open_.insert(key);
  }
  journal_.failed(key, OperationAction::kSkip, error);
}

void KeyRunner::report_problems(const MergedItem& item) {
  const auto& key = item.key;
  if (item.local) {
    const auto& detail = item.local->detail;
    switch (item.local->problem) {
      case LocalProblem::kNone:
        break;
      case LocalProblem::kUnreadable: {
        const Error error = unreadable(detail);
        context_.report.fail(OperationAction::kSkip, key, error);
        journal_.failed(key, OperationAction::kSkip, error);
        break;
      }
      case LocalProblem::kUnsafeName:
        context_.report.act(OperationAction::kUnsafe, key, 0);
        break;
      case LocalProblem::kSpecial:
      case LocalProblem::kSymlink:
        context_.report.act(OperationAction::kSkip, key, 0);
        break;
    }
  }
  if (item.remote && item.remote->problem == RemoteProblem::kUnsafeKey) {
    context_.report.act(OperationAction::kUnsafe, key, item.remote->info.size);
  }
  if (item.remote && item.remote->problem == RemoteProblem::kBlocked &&
      !item.remote->detail.empty()) {
    const Error error(ErrorCode::kAlreadyExists, item.remote->detail);
    context_.report.fail(OperationAction::kSkip, key, error);
    journal_.failed(key, OperationAction::kSkip, error);
  }
}

// Rows only
// ----------------------------------------------------------------------------------------

void KeyRunner::refresh(const Observed& observed) {
  if (!observed.item.local || !observed.item.remote || !observed.item.base) return;
  journal_.done(observed.item.key,
                {proven_base(context_.pair.id, base_from_both(context_, observed),
                             Proof::kStillUnchanged)});
}

void KeyRunner::adopt(const TaskPtr& task) {
  auto& observed = task->observed;
  if (!observed.hashed && !context_.settings.dry_run) {
    observed.hashed = hash_entry(context_, *observed.item.local);
    if (!observed.hashed) return again(task, "the file changed while it was read");
    observed.item.local->stat = observed.hashed->stat;
  }
  const bool folder = observed.item.local->kind == EntryKind::kDirectory;
  journal_.done(observed.item.key,
                {proven_base(context_.pair.id, base_from_both(context_, observed),
                             folder ? Proof::kNoContent : Proof::kCompared)});
  context_.report.act(OperationAction::kAdopt, observed.item.key, 0);
  finish(task);
}

void KeyRunner::forget(const Observed& observed) {
  context_.deletes.forget(observed.item.key);
}

void KeyRunner::settle_forgotten() {
  context_.deletes.take_forgotten([this](const std::string& key) {
    journal_.done(key, {EraseBase{context_.pair.id, key}});
    context_.report.act(OperationAction::kForget, key, 0);
  });
}

void KeyRunner::plan_delete(const TaskPtr& task) {
  const auto& observed = task->observed;
  const bool local = observed.action.kind == ActionKind::kDeleteLocal;
  if (!local && is_hidden_by_twin(observed)) return finish(task);
  PlannedDelete planned;
  planned.key = observed.item.key;
  planned.side = local ? Side::kLocal : Side::kRemote;
  planned.secure = observed.action.secure_loser;
  planned.has_base = observed.item.base.has_value();
  planned.decide_row = observed.action.row;
  if (observed.item.base) planned.md5 = observed.item.base->md5;
  if (local) {
    planned.local = observed.item.local->stat;
    planned.size = planned.local.size;
  } else {
    planned.token = observed.item.remote->info.token.value;
    planned.size = observed.item.remote->info.size;
    planned.remote_modified_ns = observed.item.remote->info.last_modified_ns;
  }
  context_.deletes.add(planned);
  if (observed.action.conflict) report_settled(task);
  finish(task);
}

}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
// KeyRunner: what a person chose where one side has a file and the other a folder.
#include <algorithm>
#include <functional>
#include <utility>

#include "base/encoding.h"
#include "sync/run/empty_folders.h"
#include "sync/run/followed_link.h"
#include "sync/run/key_runner.h"
#include "sync/scan/key_rules.h"
#include "sync/scan/scan.h"

namespace cloudsync::sync {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

// Some services cut their times to seconds.
std::int64_t latest_ns(const storage::ObjectInfo& info) {
  const bool cut = info.last_modified_ns % kSecond == 0;
  return info.last_modified_ns + (cut ? kSecond - 1 : 0);
}

}  // namespace

// True when there was one and the task has its outcome.
bool KeyRunner::apply_type_choice(const TaskPtr& task) {
  auto& observed = task->observed;
  const auto& item = observed.item;
  const auto* row = context_.known.conflict(item.key);
  const auto& settings = context_.settings;
  if (settings.only_keys.empty() || settings.direction != Direction::kSync ||
      row == nullptr || !row->choice || row->reason != ConflictReason::kTypeConflict) {
    return false;
  }
  const bool folder_here = !item.local && item.remote && is_folder(item.key);
  const bool file_here = item.local && !item.remote && holds_objects(item.key);
  if (!is_as_shown(*row, observed, settings.transfer.kept) ||
      (!folder_here && !file_here)) {
    context_.report.stale_resolution();
    finish(task);
    return true;
  }
  task->choice_applied = true;
  task->late = true;  // nothing that stands in the way is waited for
  observed.action.conflict = true;
  if (settings.dry_run) {
    folder_here ? plan_folder_here(task, *row->choice)
                : plan_file_here(task, *row->choice);
  } else {
    folder_here ? settle_folder_here(task, *row->choice)
                : settle_file_here(task, *row->choice);
  }
  return true;
}

// In a dry run
// ---------------------------------------------------------------------------------------

void KeyRunner::plan_folder_here(const TaskPtr& task, ConflictStrategy choice) {
  const auto& item = task->observed.item;
  if (choice == ConflictStrategy::kCloudWins) {
    note_planned_below(item.key);
    for_each_file_below(item.key, [this](const LocalEntry& entry) {
      context_.report.act(OperationAction::kDeleteLocal, entry.key, entry.stat.size);
    });
    return get(task);
  }
  if (choice != ConflictStrategy::kLocalWins && !fork_remote(task)) return;
  context_.report.act(OperationAction::kDeleteRemote, item.key, item.remote->info.size);
  report_settled(task);
  finish(task);
}

void KeyRunner::plan_file_here(const TaskPtr& task, ConflictStrategy choice) {
  const auto& item = task->observed.item;
  const std::uint64_t size = item.local->stat.size;
  if (choice == ConflictStrategy::kLocalWins) {
    note_planned_below(item.key);
    for_each_object_below(item.key, [this](const RemoteEntry& entry) {
      context_.report.act(OperationAction::kDeleteRemote, entry.key, entry.info.size);
    });
    return put(task);
  }
  if (choice == ConflictStrategy::kCloudWins) {
    context_.report.act(OperationAction::kDeleteLocal, item.key, size);
  } else {
    if (!name_copy(task)) return;
    context_.report.act(OperationAction::kConflictCopy, item.key, size, task->copy_name);
  }
  report_settled(task);
  finish(task);
}

void KeyRunner::note_planned_below(const std::string& key) {
  const std::lock_guard lock(mutex_);
  planned_below_.insert(key + '/');
}

bool KeyRunner::is_planned_below(const std::string& folder) {
  const std::lock_guard lock(mutex_);
  return planned_below_.contains(folder);
}

void KeyRunner::require_real_run(const std::string& key) const {
  if (!context_.settings.dry_run) return;
  throw Error(ErrorCode::kInternal, "a dry run was about to change " +
                                        base::printable(key) + "; nothing was done");
}

// Carried out
// ----------------------------------------------------------------------------------------

void KeyRunner::settle_folder_here(const TaskPtr& task, ConflictStrategy choice) {
  const auto& item = task->observed.item;
  if (choice == ConflictStrategy::kCloudWins) {
    remove_folder_here(item.key);
    return get(task);
  }
  if (choice != ConflictStrategy::kLocalWins) return move_object_aside(task);
  const auto secured = trash_.secure(item.key, item.remote->info);
  if (!secured) return again(task, "the object changed before it was removed");
  if (!drop_object(task, *secured)) return;
  report_settled(task);
  finish(task);
}

void KeyRunner::settle_file_here(const TaskPtr& task, ConflictStrategy choice) {
  const auto& item = task->observed.item;
  if (choice == ConflictStrategy::kLocalWins) {
    remove_folder_there(item.key);
    return put(task);
  }
  if (choice != ConflictStrategy::kCloudWins) return move_file_aside(task);
  remove_file_here(item.key, item.local->stat);
  report_settled(task);
  finish(task);
}

bool KeyRunner::holds_objects(const std::string& key) {
  RemoteScanOptions options;
  options.prefix = context_.prefix();
  options.filter = &context_.filter;
  options.range = {key + '/', subtree_end(key)};
  const auto objects = scan_remote(context_.store, options, context_.call);
  RemoteEntry entry;
  return objects->next(entry);
}

// Every file that a run would act on. False when something else is there.
bool KeyRunner::for_each_file_below(const std::string& key,
                                    const std::function<void(const LocalEntry&)>& visit) {
  LocalScanOptions options;
  options.filter = &context_.filter;
  options.links = context_.settings.engine.links;
  options.range = {key + '/', subtree_end(key)};
  const auto items = scan_local(context_.files, options, context_.call);
  bool all = true;
  for (LocalItem item; items->next(item);) {
    const auto* entry = std::get_if<LocalEntry>(&item);
    MergedItem merged;
    if (entry != nullptr) {
      merged.key = entry->key;
      merged.local = *entry;
    }
    if (entry == nullptr || entry->problem != LocalProblem::kNone ||
        leave_guarded(merged)) {
      all = false;
    } else {
      visit(*entry);
    }
  }
  return all;
}

// The same in the bucket, with the markers of folders.
bool KeyRunner::for_each_object_below(
    const std::string& key, const std::function<void(const RemoteEntry&)>& visit) {
  RemoteScanOptions options;
  options.prefix = context_.prefix();
  options.filter = &context_.filter;
  options.range = {key + '/', subtree_end(key)};
  const auto objects = scan_remote(context_.store, options, context_.call);
  bool all = true;
  for (RemoteEntry entry; objects->next(entry);) {
    const bool marker =
        entry.problem == RemoteProblem::kIgnoredMarker && entry.key.ends_with('/');
    MergedItem merged;
    merged.key = entry.key;
    merged.remote = entry;
    if ((entry.problem != RemoteProblem::kNone && !marker) || leave_guarded(merged)) {
      all = false;
    } else {
      visit(entry);
    }
  }
  return all;
}

// When the user was shown what lies there, by our clock. Without a trash only that may
// go: what came since was no part of the choice.
std::optional<std::int64_t> KeyRunner::shown_ns(const std::string& key) const {
  if (context_.settings.engine.trash) return std::nullopt;
  const auto* row = context_.known.conflict(key);
  return row == nullptr ? std::nullopt : std::optional(row->last_seen_ns);
}

void KeyRunner::refuse_unseen(const std::string& key) {
  throw Error(ErrorCode::kUnavailable,
              base::printable(key) +
                  " was written after the conflict was shown, and there is no trash "
                  "(trash: false); run sync, look at it, then resolve again");
}

void KeyRunner::refuse_partly(const std::string& key) {
  throw Error(ErrorCode::kLocalIo,
              "the folder " + base::printable(key) +
                  " still holds what is not synced; move it away, then resolve again");
}

void KeyRunner::remove_file_here(const std::string& key, const base::FileStat& stat) {
  require_real_run(key);
  const auto removed = remove_seen(context_, *placer_, key, stat, std::nullopt);
  if (removed.status != PlaceStatus::kPlaced) {
    throw Error(ErrorCode::kUnavailable,
                base::printable(key) + " changed just now; run again");
  }
  OperationRow operation = journal_.operation(key, OperationAction::kDeleteLocal, 0);
  operation.trash_ref = removed.trash_ref;
  operation.bytes = stat.size;
  journal_.done(
      key, {EraseBase{context_.pair.id, key}, RecordOperation{std::move(operation)}});
  context_.report.act(OperationAction::kDeleteLocal, key, stat.size);
}

// Looked through first: where something has to stay the folder does, and nothing goes.
void KeyRunner::remove_folder_here(const std::string& key) {
  require_real_run(key);
  const auto shown = shown_ns(key);
  const std::int64_t offset_ns = context_.settings.transfer.file_clock_offset_ns;
  const bool all = for_each_file_below(key, [&](const LocalEntry& entry) {
    const auto written_ns = std::max(entry.stat.mtime_ns, entry.stat.ctime_ns);
    if (shown && written_ns > *shown + offset_ns) refuse_unseen(entry.key);
  });
  if (!all) refuse_partly(key);
  for_each_file_below(
      key, [this](const LocalEntry& entry) { remove_file_here(entry.key, entry.stat); });
  if (!remove_empty_folders(context_, key)) refuse_partly(key);
}

void KeyRunner::remove_folder_there(const std::string& key) {
  require_real_run(key);
  const auto shown = shown_ns(key);
  const std::int64_t offset_ns = context_.store_clock.offset_ns();
  const bool all = for_each_object_below(key, [&](const RemoteEntry& entry) {
    if (shown && latest_ns(entry.info) > *shown + offset_ns) refuse_unseen(entry.key);
  });
  if (!all) refuse_partly(key);
  for_each_object_below(key,
                        [this](const RemoteEntry& entry) { remove_object_there(entry); });
}

void KeyRunner::remove_object_there(const RemoteEntry& entry) {
  auto& store = context_.writable.get(context_.call);
  const auto secured = trash_.secure(entry.key, entry.info);
  const auto outcome =
      secured ? store.remove({entry.info.key, entry.info.token}, context_.call).outcome
              : storage::Outcome::kPreconditionFailed;
  if (outcome == storage::Outcome::kPreconditionFailed) {
    throw Error(ErrorCode::kUnavailable,
                base::printable(entry.key) + " changed just now; resolve again");
  }
  OperationRow operation =
      journal_.operation(entry.key, OperationAction::kDeleteRemote, 0);
  operation.trash_ref = *secured;
  operation.old_token = entry.info.token.value;
  journal_.done(entry.key, {EraseBase{context_.pair.id, entry.key},
                            RecordOperation{std::move(operation)}});
  context_.report.act(OperationAction::kDeleteRemote, entry.key, entry.info.size);
}

}  // namespace cloudsync::sync

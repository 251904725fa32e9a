// SPDX-License-Identifier: Apache-2.0
// KeyRunner: conflicts, their copies and recorded choices.
#include "hash/digest.h"
#include "storage/object_metadata.h"
#include "sync/decide/classify.h"
#include "sync/decide/conflict_name.h"
#include "sync/run/key_runner.h"

namespace cloudsync::sync {

namespace {

constexpr int kMostNames = 100;

// What carries a choice out, given which sides exist. The side that loses is secured.
ActionKind action_for(ConflictStrategy choice, const Observed& observed) {
  const bool local = observed.item.local.has_value();
  const bool remote = observed.item.remote.has_value();
  if (choice == ConflictStrategy::kLocalWins) {
    return local ? ActionKind::kPut : ActionKind::kDeleteRemote;
  }
  if (choice == ConflictStrategy::kCloudWins) {
    return remote ? ActionKind::kGet : ActionKind::kDeleteLocal;
  }
  if (local && remote) return ActionKind::kFork;
  return local ? ActionKind::kPut : ActionKind::kGet;
}

Md5Digest version_digest(const storage::ObjectInfo& info) {
  if (const auto md5 = storage::told_md5(info)) return *md5;
  const auto& token = info.token.value;
  return hash::Md5::of(std::as_bytes(std::span(token.data(), token.size())));
}

SyncConflict describe(const Observed& observed, ConflictReason reason) {
  SyncConflict conflict;
  conflict.file_path = observed.item.key;
  conflict.conflict_reason = std::string(conflict_reason_text(reason));
  conflict.local = local_side(observed);
  conflict.cloud = cloud_side(observed);
  return conflict;
}

}  // namespace

void KeyRunner::hold(const Observed& observed, ConflictReason reason) {
  journal_.hold(observed, reason);
  context_.report.conflict(describe(observed, reason));
  context_.report.act(OperationAction::kConflict, observed.item.key, 0);
}

// A conflict that the strategy or a recorded choice settled.
void KeyRunner::report_settled(const TaskPtr& task) {
  if (task->choice_applied) {
    context_.report.conflict_resolved();
    return;
  }
  SyncConflict conflict =
      describe(task->observed, conflict_reason(task->observed.situation));
  conflict.resolution = context_.settings.strategy;
  if (!task->copy_name.empty()) conflict.resolution = ConflictStrategy::kVersionPreserve;
  context_.report.conflict(std::move(conflict));
}

// True when a recorded choice was found and the task goes on with it.
bool KeyRunner::apply_choice(const TaskPtr& task) {
  auto& observed = task->observed;
  const auto* row = context_.known.conflict(observed.item.key);
  if (row == nullptr || !row->choice || context_.settings.direction != Direction::kSync) {
    return false;
  }
  if (!is_as_shown(*row, observed, context_.settings.transfer.kept)) {
    context_.report.stale_resolution();
    return false;
  }
  observed.action.kind = action_for(*row->choice, observed);
  observed.action.secure_loser = true;
  observed.action.conflict = true;
  task->choice_applied = true;
  execute(task);
  return true;
}

// Chooses the free or already fitting name of the local loser's copy. False when the
// local file changed meanwhile (the task then goes round again).
bool KeyRunner::name_copy(const TaskPtr& task) {
  auto& observed = task->observed;
  if (!observed.hashed) {
    observed.hashed = hash_entry(context_, *observed.item.local);
    if (!observed.hashed) {
      again(task, "the file changed while it was read");
      return false;
    }
    observed.item.local->stat = observed.hashed->stat;
  }
  const std::string replica = context_.pair.uuid.substr(0, 6);
  for (int attempt = 1; attempt <= kMostNames; ++attempt) {
    const std::string name =
        conflict_name(observed.item.key, observed.item.local->stat.mtime_ns, replica,
                      observed.hashed->md5, attempt);
    const auto taken = context_.files.stat(name);
    if (!taken) {
      task->copy_name = name;
      return true;
    }
    const auto there = taken->kind == base::FileKind::kRegular
                           ? hash_local_file(context_.files, name, false,
                                             ContentHash::kMd5, context_.call)
                           : std::nullopt;
    if (there && there->md5 == observed.hashed->md5) {
      task->copy_name = name;
      return true;
    }
  }
  throw Error(ErrorCode::kAlreadyExists, "every name for the conflict copy is taken");
}

// Keeps the bucket's version under a conflict key before the upload takes its name. False
// when the task goes round again.
bool KeyRunner::fork_remote(const TaskPtr& task) {
  auto& observed = task->observed;
  const auto& info = observed.item.remote->info;
  const std::string name =
      conflict_name(observed.item.key, info.last_modified_ns,
                    context_.pair.uuid.substr(0, 6), version_digest(info));
  if (!context_.settings.dry_run &&
      !trash_.copy_version(info, context_.prefix() + name, true)) {
    const auto taken = context_.store.head(context_.full_key(name), context_.call);
    // The name holds the version's hash: the same size there is this copy, made before a
    // crash.
    if (!taken || taken->size != info.size) {
      again(task, "the object changed while it was copied");
      return false;
    }
  }
  task->copy_name = name;
  context_.report.act(OperationAction::kConflictCopy, observed.item.key, info.size, name);
  return true;
}

}  // namespace cloudsync::sync

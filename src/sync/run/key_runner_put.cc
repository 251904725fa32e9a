// SPDX-License-Identifier: Apache-2.0
// KeyRunner: local to bucket.
#include <algorithm>

#include "sync/run/key_runner.h"
#include "sync/transfer/upload_resume.h"

namespace cloudsync::sync {

TransferEnvironment KeyRunner::make_environment(storage::ObjectStore& store) {
  return TransferEnvironment{context_.files,
                             store,
                             context_.state,
                             [this](StateChange change) {
                               if (context_.writer != nullptr)
                                 context_.writer->add({std::move(change)});
                             },
                             context_.pool,
                             context_.clock,
                             context_.random,
                             context_.pair.id,
                             context_.prefix(),
                             context_.settings.transfer,
                             [this](const std::string& key, std::uint64_t bytes) {
                               context_.report.moved(key, bytes);
                             },
                             [this](IntentRow row) {
                               if (context_.intents != nullptr)
                                 context_.intents->commit(std::move(row));
                             }};
}

TransferEnvironment& KeyRunner::upload_environment() {
  try {
    std::call_once(upload_once_, [this] {
      upload_ = std::make_unique<TransferEnvironment>(
          make_environment(context_.writable.get(context_.call)));
    });
  } catch (const Error& error) {
    // A bucket that may not be written is no single key's failure.
    if (error.code() == ErrorCode::kUnsupported) {
      context_.report.fatal(error);
      context_.stop_run();
    }
    throw;
  }
  return *upload_;
}

// Counts the transfer in. False in a dry run, where the plan is the outcome.
bool KeyRunner::queue(const TaskPtr& task, std::uint64_t bytes) {
  if (context_.settings.dry_run) return false;
  context_.report.queued(bytes);
  task->queued_bytes = bytes;
  context_.report.started(task->observed.item.key);
  return true;
}

void KeyRunner::put(const TaskPtr& task) {
  auto& observed = task->observed;
  const auto& key = observed.item.key;
  const auto& local = *observed.item.local;
  if (waits_for_children(task) || !know_owner(task)) return;
  if (!queue(task, local.stat.size)) {
    if (observed.action.conflict) report_settled(task);
    context_.report.act(OperationAction::kUpload, key, local.stat.size);
    return finish(task);
  }
  auto& environment = upload_environment();
  if (waits_for_parent(task, environment.store.capabilities())) return;
  UploadJob job;
  job.key = key;
  job.kind = local.kind;
  job.link_target = local.link_target;
  job.follow = context_.follow_links();
  job.owner = *task->owner;
  if (observed.item.remote) {
    job.condition.if_match = observed.item.remote->info.token;
  } else {
    job.condition.if_absent = true;
  }
  try {
    std::string trash_ref;
    const bool secures =
        observed.action.secure_loser || context_.settings.engine.trash_replaced;
    if (observed.item.remote && secures) {
      auto secured = trash_.secure(key, observed.item.remote->info);
      if (!secured) return again(task, "the object changed before it was replaced");
      trash_ref = std::move(*secured);
    }
    commit_put(task, upload_keeping(std::move(job)), std::move(trash_ref));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kArchived) return archived(task);
    if (error.code() != ErrorCode::kUnsupported || task->late ||
        environment.store.capabilities().nested_keys)
      throw;
    set_aside(task);
  }
}

// The object would have to be restored first: to be kept in the trash, or because the
// service does not replace an archived one (Azure).
void KeyRunner::archived(const TaskPtr& task) {
  const auto& item = task->observed.item;
  context_.report.act(OperationAction::kArchived, item.key, item.remote->info.size);
  finish(task);
}

void KeyRunner::commit_put(const TaskPtr& task, UploadResult result,
                           std::string trash_ref) {
  auto& observed = task->observed;
  const auto& key = observed.item.key;
  switch (result.status) {
    case TransferStatus::kTargetChanged:
      return again(task, "the object changed while the file was uploaded");
    case TransferStatus::kSourceGone:
      return again(task, "the file vanished");
    case TransferStatus::kSourceChanged:
      return fail(task,
                  Error(ErrorCode::kUnavailable,
                        "changed during every try to read it and was not uploaded; it is "
                        "left for the next run"));
    case TransferStatus::kArchived:
      return archived(task);
    case TransferStatus::kDone:
      break;
  }
  OperationRow row =
      journal_.operation(key, OperationAction::kUpload, observed.action.row);
  row.bytes = result.bytes;
  row.new_md5 = result.base.md5;
  if (observed.item.base) row.old_md5 = observed.item.base->md5;
  if (observed.item.remote) row.old_token = observed.item.remote->info.token.value;
  row.new_token = result.base.r_token;
  row.trash_ref = std::move(trash_ref);
  if (!observed.item.remote) {
    context_.deletes.created(Side::kRemote, result.base.size, result.base.md5);
  }
  std::vector<StateChange> changes = {
      proven_base(context_.pair.id, std::move(result.base), Proof::kTransferred),
      RecordOperation{std::move(row)}};
  if (result.transfer) changes.emplace_back(EraseTransfer{*result.transfer});
  changes.emplace_back(EraseIntents{context_.pair.id, key});
  journal_.done(key, std::move(changes));
  if (observed.action.conflict) report_settled(task);
  context_.report.act(OperationAction::kUpload, key, result.bytes);
  finish(task);
}

void KeyRunner::abort_orphans() {
  const auto rows = context_.state.transfers(context_.pair.id);
  const bool any = std::any_of(rows.begin(), rows.end(), [](const TransferRow& row) {
    return row.direction == OperationAction::kUpload;
  });
  if (any) abort_orphaned_uploads(upload_environment(), context_.call);
}

}  // namespace cloudsync::sync

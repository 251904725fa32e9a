// SPDX-License-Identifier: Apache-2.0
#include "sync/run/deletion_phase.h"

#include <functional>
#include <memory>
#include <stop_token>
#include <utility>

#include "base/log.h"
#include "sync/run/followed_link.h"
#include "sync/run/root_marker.h"

namespace cloudsync::sync {

namespace {

constexpr std::uint64_t kRootCheckEvery = 100;
constexpr std::size_t kSyncedTogether = 512;

OperationAction action_of(const PlannedDelete& planned) {
  return planned.side == Side::kLocal ? OperationAction::kDeleteLocal
                                      : OperationAction::kDeleteRemote;
}

storage::DeleteRequest request_for(const RunContext& context,
                                   const PlannedDelete& planned) {
  storage::DeleteRequest request;
  request.key = context.full_key(planned.key);
  request.if_match = storage::VersionToken{planned.token};
  request.seen_modified_ns = planned.remote_modified_ns;
  return request;
}

// Runs one deletion on a worker; its failure is that key's outcome.
void guarded(const std::function<void()>& work,
             const std::function<void(const Error&)>& on_error) {
  try {
    work();
  } catch (const Error& error) {
    on_error(error);
  } catch (const std::exception& error) {
    on_error(Error(ErrorCode::kInternal, error.what()));
  }
}

}  // namespace

DeletionPhase::DeletionPhase(RunContext& context, Placer* placer)
    : context_(context), placer_(placer), journal_(context), trash_(context) {}

void DeletionPhase::report_planned() {
  context_.deletes.for_each([&](const PlannedDelete& planned) {
    context_.report.act(action_of(planned), planned.key, planned.size);
    return true;
  });
}

bool DeletionPhase::root_is_safe() {
  try {
    if (!context_.files.root_is_current()) return false;
    if (!context_.settings.writes_root() || !context_.pair.has_marker) return true;
    return read_root_marker(context_.files).view(context_.pair.uuid).uuid_matches;
  } catch (const Error& error) {
    base::log().warn("the root cannot be looked at: {}", error.what());
    return false;
  }
}

bool DeletionPhase::may_batch() {
  const auto& capabilities = context_.writable.get(context_.call).capabilities();
  return capabilities.conditional_batch_delete && capabilities.batch_delete_limit > 1;
}

void DeletionPhase::carry_out() {
  if (context_.deletes.size() == 0) return;
  try {
    remove_all();
  } catch (...) {
    drop_queued();
    throw;
  }
}

// Tasks refer to this object: they end before it does.
void DeletionPhase::drop_queued() {
  std::stop_source stopped;
  stopped.request_stop();
  context_.pool.wait_idle(stopped.get_token());
}

void DeletionPhase::remove_all() {
  remove_files();
  if (!safe_) return;
  remove_emptied_parents();
  remove_folders();
}

bool DeletionPhase::submit(std::function<void()> work) {
  return context_.pool.submit(std::move(work), context_.call.stop);
}

void DeletionPhase::submit_one(const PlannedDelete& planned, bool batched) {
  submit([this, planned, batched] {
    guarded(
        [&] {
          if (planned.side == Side::kLocal) return remove_local(planned);
          batched ? remove_secured(planned) : remove_remote(planned);
        },
        [&](const Error& error) { fail(planned, error); });
  });
}

// Looked at every so often: a disk may go away while a long run deletes.
bool DeletionPhase::check_root() {
  if (seen_++ % kRootCheckEvery != 0 || root_is_safe()) return true;
  safe_ = false;
  context_.report.brake("root",
                        "the local root '" + context_.files.root_path() +
                            "' vanished or was exchanged during the run; the remaining "
                            "deletions were not done");
  return false;
}

void DeletionPhase::remove_files() {
  const bool batches = context_.deletes.count(Side::kRemote).planned > 1 && may_batch();
  intend_deletions(context_);
  std::vector<PlannedDelete> batch;
  const auto flush = [&] {
    if (batch.empty()) return true;
    auto full = std::make_shared<std::vector<PlannedDelete>>(std::exchange(batch, {}));
    return submit([this, full] {
      guarded([&] { remove_batch(*full); },
              [&](const Error& error) {
                for (const auto& one : *full) fail(one, error);
              });
    });
  };
  context_.deletes.for_each_file([&](const PlannedDelete& planned) {
    if (!check_root()) return false;
    const bool batched = planned.side == Side::kRemote && batches;
    if (batched && !goes_to_trash(planned)) {
      batch.push_back(planned);
      const auto limit =
          context_.writable.get(context_.call).capabilities().batch_delete_limit;
      return batch.size() < limit || flush();
    }
    submit_one(planned, batched);
    return !context_.call.stopped();
  });
  if (safe_) flush();
  await_workers();
  {
    const std::lock_guard lock(mutex_);
    batch = std::exchange(secured_, {});
  }
  if (!safe_ || batch.empty() || context_.call.stopped()) return;
  flush();
  await_workers();
}

void DeletionPhase::fail(const PlannedDelete& planned, const Error& error) {
  if (error.code() == ErrorCode::kCancelled) return;
  block_parents(planned.key, Blocked::kFailed);
  context_.report.fail(action_of(planned), planned.key, error);
  journal_.failed(planned.key, action_of(planned), error);
  if (error.code() != ErrorCode::kUnauthenticated) return;
  context_.report.fatal(error);
  context_.stop_run();
}

// Precondition failed = somebody changed it since: the next run decides again.
void DeletionPhase::settle(const PlannedDelete& planned, storage::Outcome outcome,
                           std::string trash_ref) {
  OperationRow row =
      journal_.operation(planned.key, action_of(planned), planned.decide_row);
  row.old_md5 = planned.md5;
  row.old_token = planned.token;
  row.trash_ref = std::move(trash_ref);
  row.bytes = planned.size;
  if (outcome == storage::Outcome::kPreconditionFailed) {
    block_parents(planned.key, Blocked::kChanged);
    row.state = OperationState::kStale;
    if (context_.writer != nullptr)
      context_.writer->add(
          {RecordOperation{std::move(row)}, EraseIntents{context_.pair.id, planned.key}});
    context_.report.act(OperationAction::kSkip, planned.key, 0);
    return;
  }
  journal_.done(planned.key, {EraseBase{context_.pair.id, planned.key},
                              RecordOperation{std::move(row)},
                              EraseIntents{context_.pair.id, planned.key}});
  context_.report.act(action_of(planned), planned.key, planned.size);
}

void DeletionPhase::remove_local(const PlannedDelete& planned) {
  if (planned.key.ends_with('/')) return remove_local_directory(planned);
  const auto md5 = planned.has_base ? std::optional(planned.md5) : std::nullopt;
  const auto removed = remove_seen(context_, *placer_, planned.key, planned.local, md5);
  if (removed.rescued_key) {
    context_.report.act(OperationAction::kConflictCopy, planned.key, 0,
                        *removed.rescued_key);
  }
  if (removed.status != PlaceStatus::kPlaced)
    return settle(planned, storage::Outcome::kPreconditionFailed, removed.trash_ref);
  removed_here(planned, removed.trash_ref);
  note_emptied(planned.key);
}

// A base row must not go before the file has: after a power cut the file would be back,
// and new.
void DeletionPhase::removed_here(PlannedDelete planned, std::string trash_ref) {
  planned.trash_ref = std::move(trash_ref);
  std::vector<PlannedDelete> full;
  {
    const std::lock_guard lock(mutex_);
    removed_here_.push_back(std::move(planned));
    if (removed_here_.size() >= kSyncedTogether) full = std::exchange(removed_here_, {});
  }
  settle_removed_here(std::move(full));
}

void DeletionPhase::settle_removed_here(std::vector<PlannedDelete> removed) {
  if (removed.empty()) return;
  try {
    if (context_.settings.engine.durability != Durability::kNone)
      context_.files.sync_all();
  } catch (const Error& error) {
    for (const auto& one : removed) fail(one, error);
    return;
  }
  for (const auto& one : removed) settle(one, storage::Outcome::kOk, one.trash_ref);
}

void DeletionPhase::await_workers() {
  context_.pool.wait_idle(context_.call.stop);
  std::vector<PlannedDelete> rest;
  {
    const std::lock_guard lock(mutex_);
    rest = std::exchange(removed_here_, {});
  }
  settle_removed_here(std::move(rest));
}

// A directory in a file's place is the file's absence, and its children are keys of their
// own; a file in a folder's place is the folder's.
bool DeletionPhase::still_absent_locally(const PlannedDelete& planned) {
  if (context_.names != nullptr && context_.names->other_spelling(planned.key))
    return true;
  const bool marker = planned.key.ends_with('/');
  const auto stat = context_.files.stat(
      marker ? planned.key.substr(0, planned.key.size() - 1) : planned.key);
  return !stat || (stat->kind == base::FileKind::kDirectory) != marker;
}

void DeletionPhase::remove_remote(const PlannedDelete& planned) {
  if (stays_because_of_children(planned)) return;
  if (!still_absent_locally(planned)) {
    return settle(planned, storage::Outcome::kPreconditionFailed, "");
  }
  PlannedDelete going = planned;
  if (goes_to_trash(planned) && !secure(going)) {
    return settle(planned, storage::Outcome::kPreconditionFailed, "");
  }
  const auto result = context_.writable.get(context_.call)
                          .remove(request_for(context_, going), context_.call);
  settle(going, result.outcome, going.trash_ref);
}

// Directory markers have no content. The dagger is told where the bucket keeps it.
bool DeletionPhase::goes_to_trash(const PlannedDelete& planned) {
  const auto& engine = context_.settings.engine;
  if (!engine.trash || (planned.key.ends_with('/') && planned.size == 0)) return false;
  return planned.secure ||
         !context_.writable.keeps_deleted(engine.trash_retention_seconds, context_.call);
}

// False when the object is no longer what was planned for.
bool DeletionPhase::secure(PlannedDelete& planned) {
  storage::ObjectInfo version;
  version.key = context_.full_key(planned.key);
  version.token = {planned.token};
  version.size = planned.size;
  auto secured = trash_.secure(planned.key, version);
  if (secured) planned.trash_ref = std::move(*secured);
  return secured.has_value();
}

// The copies are made one by one, the deletions go in batches when enough copies stand.
void DeletionPhase::remove_secured(PlannedDelete planned) {
  if (!still_absent_locally(planned) || !secure(planned)) {
    return settle(planned, storage::Outcome::kPreconditionFailed, "");
  }
  const auto limit =
      context_.writable.get(context_.call).capabilities().batch_delete_limit;
  std::vector<PlannedDelete> full;
  {
    const std::lock_guard lock(mutex_);
    secured_.push_back(std::move(planned));
    if (secured_.size() >= limit) full = std::exchange(secured_, {});
  }
  if (full.empty()) return;
  guarded([&] { remove_batch(full); },
          [&](const Error& error) {
            for (const auto& one : full) fail(one, error);
          });
}

void DeletionPhase::remove_batch(const std::vector<PlannedDelete>& batch) {
  std::vector<PlannedDelete> going;
  std::vector<storage::DeleteRequest> requests;
  for (const auto& planned : batch) {
    if (!still_absent_locally(planned)) {
      settle(planned, storage::Outcome::kPreconditionFailed, "");
      continue;
    }
    going.push_back(planned);
    requests.push_back(request_for(context_, planned));
  }
  if (going.empty()) return;
  const auto results =
      context_.writable.get(context_.call).remove_many(requests, context_.call);
  for (std::size_t i = 0; i < going.size(); ++i) {
    if (results[i].error)
      fail(going[i], *results[i].error);
    else
      settle(going[i], results[i].outcome, going[i].trash_ref);
  }
}

}  // namespace cloudsync::sync

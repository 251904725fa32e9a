// SPDX-License-Identifier: Apache-2.0
// KeyRunner: bucket to local.
#include "base/log.h"
#include "hash/digest.h"
#include "sync/decide/classify.h"
#include "sync/decide/conflict_name.h"
#include "sync/run/followed_link.h"
#include "sync/run/key_runner.h"
#include "sync/transfer/ranged_download.h"
#include "sync/transfer/symlinks.h"

namespace cloudsync::sync {

TransferEnvironment& KeyRunner::download_environment() {
  std::call_once(download_once_, [this] {
    download_ = std::make_unique<TransferEnvironment>(make_environment(context_.store));
  });
  return *download_;
}

void KeyRunner::drop_stale_downloads() {
  if (context_.state.transfers(context_.pair.id).empty()) return;
  sync::drop_stale_downloads(download_environment());
}

void KeyRunner::drop_dead_downloads() {
  const auto rows = context_.state.transfers(context_.pair.id);
  if (rows.empty()) return;
  context_.writer->flush();
  std::set<std::string> failed;
  for (auto& failure : context_.state.failures(context_.pair.id)) {
    failed.insert(std::move(failure.key));
  }
  for (const auto& row : rows) {
    if (row.direction != OperationAction::kDownload || failed.contains(row.key)) continue;
    context_.writer->add({EraseTransfer{row.id}});
  }
}

void KeyRunner::get(const TaskPtr& task) {
  auto& observed = task->observed;
  const auto& key = observed.item.key;
  const auto& info = observed.item.remote->info;
  if (left_as_unsafe(task) || blocked_by_twin(task)) return;
  if (blocked_by_directory(task) || blocked_by_file(task)) return;
  if (info.archived) return archived(task);
  if (observed.item.local && is_followed_link(context_, key)) {
    return fail(task, Error(ErrorCode::kLocalIo,
                            "is a symbolic link here (links: follow), so that the "
                            "object's change is not fetched; change the file that it "
                            "leads to, or put a file in its place and run again"));
  }
  if (observed.action.kind == ActionKind::kFork) {
    if (!name_copy(task)) return;
    context_.report.act(OperationAction::kConflictCopy, key,
                        observed.item.local->stat.size, task->copy_name);
  }
  if (!queue(task, info.size)) {
    if (observed.action.conflict) report_settled(task);
    context_.report.act(OperationAction::kDownload, key, info.size);
    return finish(task);
  }
  if (key.ends_with('/')) return get_special(task);
  DownloadResult result =
      download_file(download_environment(), DownloadJob{key, info}, context_.call);
  switch (result.status) {
    case TransferStatus::kDone:
      return place(task, std::move(result));
    case TransferStatus::kArchived:
      return archived(task);
    default:
      return again(task, "the object changed while it was downloaded");
  }
}

// Directory markers (empty_dirs): no bytes, only a name.
void KeyRunner::get_special(const TaskPtr& task) {
  auto& observed = task->observed;
  const std::string path = observed.item.key.substr(0, observed.item.key.size() - 1);
  context_.files.make_directories(path);
  LocalEntry entry;
  entry.key = observed.item.key;
  entry.kind = EntryKind::kDirectory;
  entry.stat = context_.files.stat(path).value_or(base::FileStat{});
  observed.item.local = std::move(entry);
  BaseRow row = base_from_both(context_, observed);
  row.md5 = hash::Md5::of({});
  journal_.done(
      observed.item.key,
      {proven_base(context_.pair.id, std::move(row), Proof::kNoContent),
       RecordOperation{journal_.operation(observed.item.key, OperationAction::kDownload,
                                          observed.action.row)}});
  context_.report.act(OperationAction::kDownload, observed.item.key, 0);
  finish(task);
}

// Of the local file that decide saw, where it is known.
static std::optional<Md5Digest> content_replaced(const Observed& observed) {
  if (observed.hashed) return observed.hashed->md5;
  const bool as_base = observed.situation.local == Change::kUnchanged;
  if (as_base && observed.item.base) return observed.item.base->md5;
  return std::nullopt;
}

void KeyRunner::place(const TaskPtr& task, DownloadResult result) {
  auto& observed = task->observed;
  if (context_.settings.engine.links == Links::kPreserve) {
    const auto kind = link_kind(observed.item.key, result);
    if (kind == LinkKind::kInside) replace_by_symlink(context_.files, result);
    if (kind == LinkKind::kOutside) {
      context_.files.remove_file(result.temp_path);
      context_.report.act(OperationAction::kUnsafe, observed.item.key, 0);
      return finish(task);
    }
  }
  intend_placing(context_, observed.item.key, result);
  PlaceTask placing;
  placing.request.key = observed.item.key;
  placing.request.temp_path = result.temp_path;
  if (observed.item.local) placing.request.expected = observed.item.local->stat;
  placing.request.keep_replaced =
      observed.action.secure_loser || observed.action.kind == ActionKind::kFork;
  placing.request.copy_key = task->copy_name;
  placing.request.expected_md5 = content_replaced(observed);
  const auto shared = std::make_shared<DownloadResult>(std::move(result));
  placing.on_placed = [this, task, shared](const PlaceResult& placed, bool racy) {
    commit_get(task, *shared, placed, racy);
  };
  placing.on_error = [this, task](const Error& error) { fail_placing(task, error); };
  placing_->submit(std::move(placing));
}

// Where even this cannot be noted the temporary file tells it to the next run.
void KeyRunner::fail_placing(const TaskPtr& task, const Error& error) {
  try {
    withdraw_placing(context_, task->observed.item.key);
  } catch (const Error& unnoted) {
    base::log().info("{}", unnoted.what());
  }
  fail(task, error);
}

void KeyRunner::commit_get(const TaskPtr& task, const DownloadResult& result,
                           const PlaceResult& placed, bool racy) {
  auto& observed = task->observed;
  const auto& key = observed.item.key;
  if (placed.rescued_key) {
    context_.report.act(OperationAction::kConflictCopy, key, 0, *placed.rescued_key);
  }
  if (placed.status != PlaceStatus::kPlaced) withdraw_placing(context_, key);
  if (placed.status == PlaceStatus::kTargetChanged) {
    context_.files.remove_file(result.temp_path);
    return again(task, "the local file changed while the object was downloaded");
  }
  if (placed.status == PlaceStatus::kTypeConflict) {
    context_.files.remove_file(result.temp_path);
    return task->late ? hold_type(task) : set_aside(task);
  }
  OperationRow operation =
      journal_.operation(key, OperationAction::kDownload, observed.action.row);
  operation.bytes = result.bytes;
  operation.new_md5 = result.md5;
  if (observed.item.base) operation.old_md5 = observed.item.base->md5;
  operation.new_token = result.info.token.value;
  operation.trash_ref = placed.trash_ref;

  const bool new_file = !observed.item.local;
  LocalEntry entry;
  entry.key = key;
  entry.stat = placed.placed;
  HashedFile content{placed.placed, result.md5, result.sha256};
  if (placed.placed.kind == base::FileKind::kSymlink) {
    entry.kind = EntryKind::kSymlink;
    entry.link_target = context_.files.read_link(key);
    content = *hash_entry(context_, entry);
  }
  Observed after = observed;
  after.item.local = std::move(entry);
  after.hashed = std::move(content);
  BaseRow row = base_from_both(context_, after);
  row.flags &= ~kBaseRacy;
  if (racy) row.flags |= kBaseRacy;
  if (new_file) context_.deletes.created(Side::kLocal, row.size, row.md5);

  std::vector<StateChange> changes = {
      proven_base(context_.pair.id, std::move(row), Proof::kTransferred),
      RecordOperation{std::move(operation)}};
  // Where folders are synced their markers are what makes them come and go.
  const bool folders_are_synced = context_.settings.engine.empty_dirs;
  for (const auto& directory : placed.created_directories) {
    if (folders_are_synced) break;
    BaseRow made;
    made.key = directory;
    made.kind = EntryKind::kDirectory;
    made.flags = kBaseDirCreated;
    changes.emplace_back(UpsertBase{context_.pair.id, std::move(made)});
  }
  if (result.transfer) changes.emplace_back(EraseTransfer{*result.transfer});
  changes.emplace_back(EraseIntents{context_.pair.id, key});
  if (!task->copy_name.empty()) {
    OperationRow copy =
        journal_.operation(key, OperationAction::kConflictCopy, observed.action.row);
    copy.trash_ref = task->copy_name;
    changes.emplace_back(RecordOperation{std::move(copy)});
  }
  journal_.done(key, std::move(changes));
  if (observed.action.conflict) report_settled(task);
  context_.report.act(OperationAction::kDownload, key, result.bytes);
  const bool upload_copy =
      !task->copy_name.empty() && context_.settings.direction == Direction::kSync;
  const std::string copy = task->copy_name;
  if (upload_copy) follow_up(copy);
  finish(task);
}

// The conflict copy is an ordinary new file; it goes up in the same run.
void KeyRunner::follow_up(const std::string& key) {
  auto task = std::make_shared<Task>();
  task->observed.item.key = key;
  task->tries = 1;
  {
    const std::lock_guard lock(mutex_);
    ++active_;
  }
  start(std::move(task), true);
}

}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
#include "sync/run/journal.h"

#include "storage/object_metadata.h"
#include "sync/decide/classify.h"

namespace cloudsync::sync {

namespace {

bool same_side(const ConflictSide& now, const ConflictSide& before,
               const base::KeptNumbers& kept) {
  return now.present == before.present && now.size == before.size &&
         kept.same_mtime(now.mtime_ns, before.mtime_ns) &&
         kept.same_change_time(now.ctime_ns, before.ctime_ns) &&
         now.token == before.token;
}

bool same_local(const ConflictSide& shown, const Observed& now,
                const base::KeptNumbers& kept) {
  if (shown.present != now.item.local.has_value()) return false;
  if (!shown.present) return true;
  const auto& stat = now.item.local->stat;
  if (shown.size != stat.size) return false;
  if (shown.md5 && now.hashed) return *shown.md5 == now.hashed->md5;
  return kept.same_mtime(stat.mtime_ns, shown.mtime_ns) &&
         kept.same_change_time(stat.ctime_ns, shown.ctime_ns) &&
         kept.same_inode(stat.ino, shown.ino);
}

bool same_cloud(const ConflictSide& shown, const Observed& now) {
  if (shown.present != now.item.remote.has_value()) return false;
  return !shown.present || shown.token == now.item.remote->info.token.value;
}

}  // namespace

void Journal::done(const std::string& key, std::vector<StateChange> changes) {
  if (context_.writer == nullptr) return;
  if (context_.known.failed(key))
    changes.emplace_back(EraseFailure{context_.pair.id, key});
  if (context_.known.conflict(key) != nullptr) {
    changes.emplace_back(EraseConflict{context_.pair.id, key});
  }
  if (context_.unfinished.concern(key)) {
    changes.emplace_back(EraseIntents{context_.pair.id, key});
  }
  if (!changes.empty()) context_.writer->add(std::move(changes));
}

void Journal::close(const std::string& key) { done(key, {}); }

OperationRow Journal::operation(const std::string& key, OperationAction action,
                                int decide_row) const {
  OperationRow row;
  row.run = context_.run;
  row.pair = context_.pair.id;
  row.key = key;
  row.action = action;
  row.decide_row = decide_row;
  row.started_ns = row.ended_ns = context_.clock.now_ns();
  return row;
}

void Journal::failed(const std::string& key, OperationAction action, const Error& error) {
  if (context_.writer == nullptr) return;
  OperationRow row = operation(key, action, 0);
  row.state = OperationState::kFailed;
  row.error_code = std::string(error_code_name(error.code()));
  row.error_text = error.what();
  FailedRecord failure;
  failure.pair = context_.pair.id;
  failure.key = key;
  failure.local_path = context_.pair.identity.local_root + "/" + key;
  failure.action = action;
  failure.error_code = row.error_code;
  failure.error_text = row.error_text;
  failure.failed_at_ns = row.ended_ns;
  context_.writer->add(
      {RecordOperation{std::move(row)}, UpsertFailure{std::move(failure)}});
}

void Journal::hold(const Observed& observed, ConflictReason reason) {
  if (context_.writer == nullptr) return;
  ConflictRow row;
  row.pair = context_.pair.id;
  row.key = observed.item.key;
  row.reason = reason;
  row.local = local_side(observed);
  row.cloud = cloud_side(observed);
  if (observed.item.base) row.base_md5 = observed.item.base->md5;
  row.first_seen_ns = row.last_seen_ns = context_.clock.now_ns();
  if (const auto* before = context_.known.conflict(row.key)) {
    row.first_seen_ns = before->first_seen_ns;
    // A choice was made on what was shown; it must not outlive that.
    if (same_side(row.local, before->local, context_.settings.transfer.kept) &&
        same_side(row.cloud, before->cloud, {})) {
      row.choice = before->choice;
    }
  }
  std::vector<StateChange> changes = {UpsertConflict{std::move(row)}};
  if (context_.known.failed(observed.item.key)) {
    changes.emplace_back(EraseFailure{context_.pair.id, observed.item.key});
  }
  context_.writer->add(std::move(changes));
}

bool is_as_shown(const ConflictRow& row, const Observed& now,
                 const base::KeptNumbers& kept) {
  return same_local(row.local, now, kept) && same_cloud(row.cloud, now);
}

ConflictSide local_side(const Observed& observed) {
  ConflictSide side;
  const auto& local = observed.item.local;
  if (!local) return side;
  side.present = true;
  side.size = local->stat.size;
  side.mtime_ns = local->stat.mtime_ns;
  side.ctime_ns = local->stat.ctime_ns;
  side.ino = local->stat.ino;
  if (observed.hashed) side.md5 = observed.hashed->md5;
  return side;
}

ConflictSide cloud_side(const Observed& observed) {
  ConflictSide side;
  const auto& remote = observed.item.remote;
  if (!remote) return side;
  side.present = true;
  side.size = remote->info.size;
  side.md5 = storage::told_md5(remote->info);
  side.mtime_ns = remote->info.last_modified_ns;
  side.token = remote->info.token.value;
  return side;
}

ConflictReason conflict_reason(const Situation& situation) {
  if (situation.local == Change::kDeleted)
    return ConflictReason::kLocalDeletedRemoteModified;
  if (situation.remote == Change::kDeleted)
    return ConflictReason::kLocalModifiedRemoteDeleted;
  if (situation.local == Change::kCreated) return ConflictReason::kBothCreated;
  return ConflictReason::kBothModified;
}

BaseRow base_from_both(const RunContext& context, const Observed& observed) {
  const auto& local = *observed.item.local;
  const auto& info = observed.item.remote->info;
  BaseRow row;
  if (observed.item.base) row = *observed.item.base;
  row.key = observed.item.key;
  row.kind = local.kind;
  row.size = local.kind == EntryKind::kFile ? local.stat.size : 0;
  if (observed.hashed) {
    row.md5 = observed.hashed->md5;
    row.sha256 = observed.hashed->sha256;
  }
  row.l_mtime = local.stat.mtime_ns;
  row.l_ctime = local.stat.ctime_ns;
  row.l_ino = local.stat.ino;
  row.l_dev = local.stat.dev;
  row.l_mode = local.stat.mode;
  if (!is_same_version(info, row)) row.flags &= ~kBaseBare;
  row.r_token = info.token.value;
  row.r_version = info.version_id;
  row.r_mtime = info.last_modified_ns;
  if (info.crc32c) row.crc32c = info.crc32c;
  row.flags &= ~(kBaseRacy | kBaseProvisional);
  const bool read = observed.hashed && observed.hashed->begun_ns != 0;
  const auto begun_ns = read ? observed.hashed->begun_ns : context.clock.now_ns();
  if (context.settings.transfer.is_racy(local.stat, begun_ns)) row.flags |= kBaseRacy;
  return row;
}

}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
#include "sync/transfer/upload_resume.h"

#include <algorithm>
#include <vector>

#include "base/encoding.h"
#include "base/log.h"
#include "base/time_range.h"
#include "storage/content_type.h"
#include "storage/object_metadata.h"

namespace cloudsync::sync {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kOldestUpload = 7 * 86400 * kSecond;
// Begin follows the row at once; the slack is for clocks and a slow answer.
constexpr std::int64_t kBeginBefore = 5 * kSecond;
constexpr std::int64_t kBeginAfter = 120 * kSecond;

std::string expected_token(const storage::Precondition& condition) {
  return condition.if_match ? condition.if_match->value : std::string();
}

TransferRow describe_upload(const TransferEnvironment& environment, const UploadJob& job,
                            const UploadTry& attempt) {
  const base::FileStat& stat = attempt.source.stat;
  TransferRow row;
  row.pair = environment.pair;
  row.key = job.key;
  row.direction = OperationAction::kUpload;
  row.size = stat.size;
  row.part_size = plan_parts(stat.size, environment.settings.chunk_size,
                             environment.store.capabilities())
                      .part_size;
  row.src_mtime = stat.mtime_ns;
  row.src_ctime = stat.ctime_ns;
  row.src_ino = stat.ino;
  row.src_dev = stat.dev;
  row.expect_token = expected_token(job.condition);
  row.started_ns = environment.clock.now_ns();
  return row;
}

bool same_source(const TransferRow& row, const base::FileStat& stat,
                 const base::KeptNumbers& kept) {
  return row.size == stat.size && kept.same_mtime(stat.mtime_ns, row.src_mtime) &&
         kept.same_change_time(stat.ctime_ns, row.src_ctime) &&
         kept.same_inode(stat.ino, row.src_ino);
}

bool same_work(const TransferRow& older, const TransferRow& now,
               const base::FileStat& stat, const base::KeptNumbers& kept) {
  return same_source(older, stat, kept) && older.part_size == now.part_size &&
         older.expect_token == now.expect_token;
}

// Parts of which our rows and the server say the same.
std::map<std::uint32_t, KnownPart> agreeing_parts(
    const std::vector<PartRow>& rows, const std::vector<storage::PartReceipt>& receipts,
    const PartPlan& plan) {
  std::map<std::uint32_t, const PartRow*> ours;
  for (const PartRow& row : rows) ours.emplace(row.number, &row);
  std::map<std::uint32_t, KnownPart> known;
  for (const storage::PartReceipt& receipt : receipts) {
    const auto found = ours.find(receipt.number);
    if (found == ours.end() || receipt.number == 0 || receipt.number > plan.count())
      continue;
    const PartRow& row = *found->second;
    const storage::ByteRange range = plan.range(receipt.number);
    if (row.etag != receipt.etag || row.length != receipt.size ||
        row.length != range.length || row.offset != range.offset) {
      continue;
    }
    known.emplace(receipt.number, KnownPart{.receipt = receipt, .md5 = row.md5});
  }
  return known;
}

// What the server has of an upload; nothing where it is gone, or where the server does
// not tell: then there is nothing to go on from, which is no reason to refuse the file.
std::optional<std::vector<storage::PartReceipt>> parts_there(
    TransferEnvironment& environment, const TransferRow& row,
    const storage::UploadId& upload, const CallContext& context) {
  try {
    return environment.store.multipart()->list_parts(full_key(environment, row.key),
                                                     upload, context);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled) throw;
    base::log().warn(
        "what was sent of the interrupted upload of {} cannot be found out, it begins "
        "anew: {}",
        base::printable(row.key), error.what());
    return std::nullopt;
  }
}

std::optional<UploadSession> continue_session(TransferEnvironment& environment,
                                              const TransferRow& row,
                                              const CallContext& context) {
  if (row.upload_ref.empty()) return std::nullopt;
  UploadSession session;
  session.transfer = row.id;
  session.upload.value = row.upload_ref;
  const auto receipts = parts_there(environment, row, session.upload, context);
  if (!receipts) return std::nullopt;
  session.known = agreeing_parts(environment.state.parts(row.id), *receipts,
                                 {.size = row.size, .part_size = row.part_size});
  return session;
}

// Where it cannot be aborted an upload stays and costs money, but that is no reason to
// refuse the file.
void abort_quietly(TransferEnvironment& environment, const std::string& key,
                   const storage::UploadId& upload, const CallContext& context) {
  if (upload.value.empty()) return;
  try {
    environment.store.multipart()->abort_upload(full_key(environment, key), upload,
                                                context);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled) throw;
    base::log().warn(
        "an interrupted upload of {} could not be aborted and may be billed: {}",
        base::printable(key), error.what());
  }
}

UploadSession begin_session(TransferEnvironment& environment, const UploadJob& job,
                            TransferRow row, const CallContext& context) {
  storage::BeginUploadRequest request;
  request.key = full_key(environment, job.key);
  request.condition = job.condition;
  request.size = row.size;
  request.part_size = row.part_size;
  // The whole hash is known only at the end, and metadata travels with the beginning.
  describe_object(environment, job, row.src_mtime, std::nullopt, request);
  UploadSession session;
  session.transfer = environment.state.begin_transfer(row);
  session.upload = environment.store.multipart()->begin_upload(request, context);
  environment.state.set_upload_ref(session.transfer, session.upload.value);
  return session;
}

// The row was written and the process died before it learned the upload's id.
std::optional<storage::UploadId> nameless_upload(TransferEnvironment& environment,
                                                 const TransferRow& row,
                                                 const CallContext& context) {
  const storage::ObjectKey key = full_key(environment, row.key);
  std::optional<storage::UploadId> found;
  for (const auto& info :
       environment.store.multipart()->list_uploads(key.value, context)) {
    if (info.key != key ||
        info.initiated_ns < base::time_sum(row.started_ns, -kBeginBefore) ||
        info.initiated_ns > base::time_sum(row.started_ns, kBeginAfter)) {
      continue;
    }
    if (found) return std::nullopt;  // one of two is foreign, and nothing tells which
    found = info.upload;
  }
  return found;
}

bool can_continue(TransferEnvironment& environment, const TransferRow& row) {
  if (base::time_difference(environment.clock.now_ns(), row.started_ns) > kOldestUpload)
    return false;
  const auto stat = stat_now(environment.files, row.key, true);
  return stat && stat->kind == base::FileKind::kRegular &&
         same_source(row, *stat, environment.settings.kept);
}

// Of one that the server does not tell about, the next upload of the file decides.
bool may_be_there(TransferEnvironment& environment, const TransferRow& row,
                  const CallContext& context) {
  try {
    return environment.store.multipart()
        ->list_parts(full_key(environment, row.key), {row.upload_ref}, context)
        .has_value();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled) throw;
    return true;
  }
}

void settle_orphan(TransferEnvironment& environment, const TransferRow& row,
                   const CallContext& context) {
  storage::UploadId upload{row.upload_ref};
  if (upload.value.empty()) {
    upload = nameless_upload(environment, row, context).value_or(storage::UploadId{});
  } else if (can_continue(environment, row) && may_be_there(environment, row, context)) {
    return;
  }
  if (!upload.value.empty()) {
    environment.store.multipart()->abort_upload(full_key(environment, row.key), upload,
                                                context);
  }
  environment.record(EraseTransfer{row.id});
}

}  // namespace

UploadSession open_session(TransferEnvironment& environment, const UploadJob& job,
                           const UploadTry& attempt, Resume resume,
                           const CallContext& context) {
  TransferRow row = describe_upload(environment, job, attempt);
  const auto older = environment.state.find_transfer(environment.pair, job.key,
                                                     OperationAction::kUpload);
  if (older) {
    if (resume == Resume::kAllowed &&
        same_work(*older, row, attempt.source.stat, environment.settings.kept)) {
      if (auto session = continue_session(environment, *older, context)) return *session;
    }
    // Before begin_transfer replaces the row: it is the only thing that knows the upload.
    abort_quietly(environment, job.key, {older->upload_ref}, context);
  }
  return begin_session(environment, job, std::move(row), context);
}

void abandon_session(TransferEnvironment& environment, const std::string& key,
                     const UploadSession& session, const CallContext& context) {
  abort_quietly(environment, key, session.upload, context);
  environment.record(EraseTransfer{session.transfer});
}

void abort_orphaned_uploads(TransferEnvironment& environment,
                            const CallContext& context) {
  if (environment.store.multipart() == nullptr) return;
  for (const TransferRow& row : environment.state.transfers(environment.pair)) {
    if (row.direction != OperationAction::kUpload) continue;
    context.throw_if_stopped();
    try {
      settle_orphan(environment, row, context);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kCancelled) throw;
      // The row stays, so the next run tries again.
      base::log().warn("the interrupted upload of {} could not be settled: {}",
                       base::printable(row.key), error.what());
    }
  }
}

}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
#include "sync/transfer/upload_steps.h"

#include "base/encoding.h"

namespace cloudsync::sync {
namespace {

BaseRow base_row(const TransferEnvironment& environment, const UploadJob& job,
                 const UploadTry& attempt, const ContentDigests& digests) {
  const base::FileStat& stat = attempt.source.stat;
  BaseRow row;
  row.key = job.key;
  row.kind = job.kind;
  // The size of the object: a link and a marker have empty ones.
  row.size = job.kind == EntryKind::kFile ? stat.size : 0;
  row.md5 = digests.md5;
  row.sha256 = digests.sha256;
  row.l_mtime = stat.mtime_ns;
  row.l_ctime = stat.ctime_ns;
  row.l_ino = stat.ino;
  row.l_dev = stat.dev;
  row.l_mode = stat.mode;
  if (environment.settings.is_racy(stat, attempt.started_ns)) {
    row.flags |= kBaseRacy;
  }
  return row;
}

}  // namespace

storage::ObjectKey full_key(const TransferEnvironment& environment,
                            const std::string& key) {
  return {environment.prefix + key};
}

storage::PutRequest put_request(const TransferEnvironment& environment,
                                const UploadJob& job, const base::FileStat& stat,
                                const ContentDigests& digests) {
  storage::PutRequest request;
  request.key = full_key(environment, job.key);
  request.condition = job.condition;
  request.md5 = digests.md5;
  request.sha256 = digests.sha256;
  describe_object(environment, job, stat.mtime_ns, digests.md5, request);
  return request;
}

UploadResult finish_upload(const TransferEnvironment& environment, const UploadJob& job,
                           const UploadTry& attempt, const ContentDigests& digests,
                           const storage::PutResult& stored) {
  UploadResult result;
  if (stored.outcome == storage::Outcome::kArchived) {
    result.status = TransferStatus::kArchived;
    return result;
  }
  if (stored.outcome != storage::Outcome::kOk) {
    result.status = TransferStatus::kTargetChanged;
    return result;
  }
  const bool plain_content = job.kind == EntryKind::kFile;
  if (plain_content && stored.md5 && *stored.md5 != digests.md5) {
    throw Error(ErrorCode::kDataCorrupt,
                "uploading " + base::printable(job.key) + " to " +
                    environment.store.describe() + ": the server reports MD5 " +
                    base::to_hex(*stored.md5) + " but " + base::to_hex(digests.md5) +
                    " was sent; nothing is recorded, run again");
  }
  result.base = base_row(environment, job, attempt, digests);
  result.base.r_token = stored.token.value;
  result.base.r_version = stored.version_id;
  result.base.r_mtime = stored.last_modified_ns;
  if (!stored.last_modified_exact) result.base.flags |= kBaseProvisional;
  if (job.owner.empty()) result.base.flags |= kBaseBare;
  return result;
}

void intend_upload(const TransferEnvironment& environment, const UploadJob& job,
                   const UploadTry& attempt, const ContentDigests& digests,
                   std::string etag, std::optional<std::uint64_t> crc) {
  if (!environment.intend) return;
  IntentRow row;
  row.pair = environment.pair;
  row.base = base_row(environment, job, attempt, digests);
  if (job.condition.if_match) row.expect_token = job.condition.if_match->value;
  row.etag = std::move(etag);
  row.crc64nvme = crc;
  row.started_ns = attempt.started_ns;
  environment.intend(std::move(row));
}

void report_bytes(const TransferEnvironment& environment, const std::string& key,
                  std::uint64_t bytes) {
  if (environment.on_bytes && bytes != 0) environment.on_bytes(key, bytes);
}

}  // namespace cloudsync::sync

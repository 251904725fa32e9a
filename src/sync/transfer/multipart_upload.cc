// SPDX-License-Identifier: Apache-2.0
#include "base/encoding.h"
#include "base/log.h"
#include "storage/settlement.h"
#include "sync/transfer/part_sender.h"
#include "sync/transfer/upload_resume.h"
#include "sync/transfer/upload_steps.h"

namespace cloudsync::sync {
namespace {

UploadResult with_status(TransferStatus status) {
  UploadResult result;
  result.status = status;
  return result;
}

// Complete does not tell the object's time. The head is worth it only while the object is
// ours; a failure costs the exactness of one time stamp, never the finished upload.
void take_exact_time(TransferEnvironment& environment, const UploadJob& job,
                     BaseRow& base, const CallContext& context) {
  if ((base.flags & kBaseProvisional) == 0) return;
  try {
    const auto info = environment.store.head(full_key(environment, job.key), context);
    if (!info || info->token.value != base.r_token) return;
    base.r_mtime = info->last_modified_ns;
    base.flags &= ~kBaseProvisional;
    if (base.r_version.empty()) base.r_version = info->version_id;
  } catch (const Error& error) {
    base::log().debug("no exact time for {}: {}", base::printable(job.key), error.what());
  }
}

storage::PutResult complete(TransferEnvironment& environment, const UploadJob& job,
                            const UploadTry& attempt, const UploadSession& session,
                            const PartSender& sender, const CallContext& context) {
  storage::CompleteRequest request;
  request.key = full_key(environment, job.key);
  request.upload = session.upload;
  request.parts = sender.receipts();
  request.condition = job.condition;
  for (const auto& part : request.parts) request.size += part.size;
  request.crc64nvme = sender.combined_crc();
  request.md5 = sender.digests().md5;
  describe_object(environment, job, attempt.source.stat.mtime_ns, std::nullopt, request);
  intend_upload(environment, job, attempt, sender.digests(),
                storage::composite_etag(request.parts).value_or(""), request.crc64nvme);
  try {
    return environment.store.multipart()->complete_upload(request, context);
  } catch (const Error& error) {
    // A concurrent operation on the key: this upload can no longer be completed.
    if (error.code() != ErrorCode::kPreconditionFailed) throw;
  }
  storage::PutResult refused;
  refused.outcome = storage::Outcome::kPreconditionFailed;
  return refused;
}

UploadResult publish(TransferEnvironment& environment, const UploadJob& job,
                     const UploadTry& attempt, const UploadSession& session,
                     const PartSender& sender, const CallContext& context) {
  const auto stored = complete(environment, job, attempt, session, sender, context);
  UploadResult result =
      finish_upload(environment, job, attempt, sender.digests(), stored);
  result.bytes = sender.sent_bytes();
  if (result.status != TransferStatus::kDone) {
    abandon_session(environment, job.key, session, context);
    return result;
  }
  result.transfer = session.transfer;
  take_exact_time(environment, job, result.base, context);
  return result;
}

// The upload itself is gone (aborted by a lifecycle rule or by hand), or what it holds
// from an earlier run is not the file. Any other failure leaves upload and rows for the
// next run.
bool is_beyond_repair(const Error& error) {
  return error.code() == ErrorCode::kNotFound || error.code() == ErrorCode::kDataCorrupt;
}

// Nothing: the upload could not be continued and was given up; begin anew.
std::optional<UploadResult> try_session(TransferEnvironment& environment,
                                        const UploadJob& job, const UploadTry& attempt,
                                        Resume resume, const CallContext& context) {
  const UploadSession session = open_session(environment, job, attempt, resume, context);
  PartSender sender(environment, job, attempt, session, context);
  PartSender::End end = PartSender::End::kDoubt;
  try {
    end = sender.send();
    if (end == PartSender::End::kSent) {
      return publish(environment, job, attempt, session, sender, context);
    }
  } catch (const Error& error) {
    if (resume == Resume::kNever || !is_beyond_repair(error)) throw;
    end = PartSender::End::kDoubt;
  }
  abandon_session(environment, job.key, session, context);
  if (end == PartSender::End::kDoubt) return std::nullopt;
  return with_status(TransferStatus::kSourceChanged);
}

// A session is refused at its beginning, or on its way, where its condition has failed
// already.
std::optional<UploadResult> try_conditional(TransferEnvironment& environment,
                                            const UploadJob& job,
                                            const UploadTry& attempt, Resume resume,
                                            const CallContext& context) {
  try {
    return try_session(environment, job, attempt, resume, context);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kPreconditionFailed) throw;
    return with_status(TransferStatus::kTargetChanged);
  }
}

}  // namespace

UploadResult upload_in_parts(TransferEnvironment& environment, const UploadJob& job,
                             const UploadTry& attempt, const CallContext& context) {
  for (const Resume resume : {Resume::kAllowed, Resume::kNever}) {
    if (auto result = try_conditional(environment, job, attempt, resume, context))
      return *result;
  }
  return with_status(TransferStatus::kSourceChanged);
}

}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
#include "storage/retry_calls.h"
#include "storage/settlement.h"

namespace cloudsync::storage {

// Repeated although nothing guards it: an upload whose id was lost is empty and
// invisible, and falls to the bucket's clean-up rule.
UploadId RetryingUploads::begin_upload(const BeginUploadRequest& request,
                                       const CallContext& context) {
  return calls_.run_safe(context,
                         [&](int) { return inner_.begin_upload(request, context); });
}

PartReceipt RetryingUploads::upload_part(const PartRequest& request, ByteSource& source,
                                         const CallContext& context) {
  return calls_.run_safe(context, [&](int attempt) {
    if (attempt > 1) source.rewind();
    return inner_.upload_part(request, source, context);
  });
}

PartReceipt RetryingUploads::copy_part(const CopyPartRequest& request,
                                       const CallContext& context) {
  return calls_.run_safe(context,
                         [&](int) { return inner_.copy_part(request, context); });
}

PutResult RetryingUploads::complete_once(const CompleteRequest& request,
                                         const CallContext& context) {
  try {
    return inner_.complete_upload(request, context);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kNotFound) throw;
    PutResult gone;
    gone.outcome = Outcome::kNotFound;
    return gone;
  }
}

// Always repeatable: an upload can be completed only once, so a second try of one that
// succeeded finds it gone (or the object there) and is settled by what the key holds.
PutResult RetryingUploads::complete_upload(const CompleteRequest& request,
                                           const CallContext& context) {
  bool doubtful = false;
  return calls_.run_safe(context, [&](int attempt) {
    doubtful = attempt > 1;
    PutResult result;
    try {
      result = complete_once(request, context);
    } catch (const Error& error) {
      if (!is_unreadable_answer(error)) throw;
      const auto now = store_.head(request.key, context);
      if (now && holds_upload(*now, request)) return recovered_result(*now);
      throw;
    }
    const bool gone = result.outcome == Outcome::kNotFound;
    const bool refused = result.outcome == Outcome::kPreconditionFailed && doubtful;
    if (!gone && !refused) return result;
    const auto now = store_.head(request.key, context);
    if (now && holds_upload(*now, request)) return recovered_result(*now);
    if (gone && doubtful) {
      throw Error(
          ErrorCode::kNotFound,
          "the upload of '" + request.key.value +
              "' is gone after an answer was lost, and what the key holds now does not "
              "prove that it was completed; look at it again");
    }
    return result;
  });
}

void RetryingUploads::abort_upload(const ObjectKey& key, const UploadId& id,
                                   const CallContext& context) {
  calls_.run_safe(context, [&](int) { inner_.abort_upload(key, id, context); });
}

std::optional<std::vector<PartReceipt>> RetryingUploads::list_parts(
    const ObjectKey& key, const UploadId& id, const CallContext& context) {
  return calls_.run_safe(context,
                         [&](int) { return inner_.list_parts(key, id, context); });
}

std::vector<UploadInfo> RetryingUploads::list_uploads(const std::string& prefix,
                                                      const CallContext& context) {
  return calls_.run_safe(context,
                         [&](int) { return inner_.list_uploads(prefix, context); });
}

}  // namespace cloudsync::storage

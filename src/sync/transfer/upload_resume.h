// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "sync/transfer/part_plan.h"
#include "sync/transfer/upload_steps.h"

namespace cloudsync::sync {

// A part that both our rows and the server know; its bytes on disk must still prove
// equal.
struct KnownPart {
  storage::PartReceipt receipt;
  std::optional<Md5Digest> md5;
};

struct UploadSession {
  OperationId transfer = 0;
  storage::UploadId upload;
  std::map<std::uint32_t, KnownPart> known;
};

enum class Resume { kAllowed, kNever };

// Continues the interrupted upload of this very state of the file over this very version
// of the object, where there is one; anything else of ours under the key is aborted and a
// new upload begun. The transfer row is there before the upload, its id before the first
// part.
UploadSession open_session(TransferEnvironment& environment, const UploadJob& job,
                           const UploadTry& attempt, Resume resume,
                           const CallContext& context);
// Aborts the upload and forgets its row.
void abandon_session(TransferEnvironment& environment, const std::string& key,
                     const UploadSession& session, const CallContext& context);

// At the start of a run, under the pair's lock: aborts this pair's interrupted uploads
// that cannot be continued (the local file is gone or differs, or 7 days passed), forgets
// those that the server no longer knows. Uploads that are not in our table are never
// touched, but for one whose row was written in the instant before its id was.
void abort_orphaned_uploads(TransferEnvironment& environment, const CallContext& context);

}  // namespace cloudsync::sync

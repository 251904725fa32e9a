// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "storage/content_type.h"
#include "storage/object_metadata.h"
#include "sync/transfer/stable_read.h"
#include "sync/transfer/transfer.h"

namespace cloudsync::sync {

// All of it but the content type. What the request says already wins.
template <class Request>
void hand_on(const storage::OwnerProperties& owner, Request& request) {
  request.metadata.insert(owner.metadata.begin(), owner.metadata.end());
  request.served = owner.served;
  request.tags = owner.tags;
}

// One try at a file whose state before reading is known. `started_ns` is the clock at
// that stat: a file that is younger may change once more without its times showing it.
struct UploadTry {
  SourceFile source;
  std::int64_t started_ns = 0;
};

// Each returns kSourceChanged when the file changed while it was read; nothing was
// published then.
UploadResult upload_streamed(TransferEnvironment& environment, const UploadJob& job,
                             const UploadTry& attempt, const CallContext& context);
UploadResult upload_in_parts(TransferEnvironment& environment, const UploadJob& job,
                             const UploadTry& attempt, const CallContext& context);

// What the new object carries beside its bytes: what was given here, and for the rest
// what the owner of the replaced one gave that.
template <class Request>
void describe_object(const TransferEnvironment& environment, const UploadJob& job,
                     std::int64_t mtime_ns, const std::optional<Md5Digest>& md5,
                     Request& request) {
  request.content_type = job.owner.content_type.empty()
                             ? storage::content_type_for(job.key)
                             : job.owner.content_type;
  request.storage_class = environment.settings.storage_class;
  request.metadata =
      storage::file_metadata(environment.store.capabilities().mtime_style, mtime_ns, md5);
  hand_on(job.owner, request);
}

storage::ObjectKey full_key(const TransferEnvironment& environment,
                            const std::string& key);
storage::PutRequest put_request(const TransferEnvironment& environment,
                                const UploadJob& job, const base::FileStat& stat,
                                const ContentDigests& digests);
// The outcome as a status, with the base row filled in for kDone. Throws kDataCorrupt
// when the server says that it stored something else.
UploadResult finish_upload(const TransferEnvironment& environment, const UploadJob& job,
                           const UploadTry& attempt, const ContentDigests& digests,
                           const storage::PutResult& stored);
// Writes down that this content is about to go to this key.
void intend_upload(const TransferEnvironment& environment, const UploadJob& job,
                   const UploadTry& attempt, const ContentDigests& digests,
                   std::string etag = {}, std::optional<std::uint64_t> crc = {});
void report_bytes(const TransferEnvironment& environment, const std::string& key,
                  std::uint64_t bytes);

}  // namespace cloudsync::sync

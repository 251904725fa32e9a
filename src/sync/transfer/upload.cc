// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <string>

#include "base/encoding.h"
#include "storage/content_type.h"
#include "storage/object_metadata.h"
#include "sync/transfer/transfer.h"
#include "sync/transfer/upload_steps.h"

namespace cloudsync::sync {
namespace {

constexpr int kTries = 3;
// Up to here one buffer holds the file: it is hashed, then sent, and read only once.
constexpr std::uint64_t kSingleBuffer = 8ULL << 20;
// Up to here each thread keeps one; hundreds of larger ones would be too much.
constexpr std::uint64_t kKeptBuffer = 256ULL << 10;
constexpr char kDirectoryType[] = "application/x-directory";

UploadResult with_status(TransferStatus status) {
  UploadResult result;
  result.status = status;
  return result;
}

UploadResult upload_buffered(TransferEnvironment& environment, const UploadJob& job,
                             const UploadTry& attempt, MutableBytes content,
                             const CallContext& context) {
  const SourceFile& source = attempt.source;
  if (!read_exactly(*source.file, 0, content) ||
      !is_unchanged(environment.files, source)) {
    return with_status(TransferStatus::kSourceChanged);
  }
  const auto digests = digests_of(content, environment.settings.content_hash);
  MemorySource body(content);
  intend_upload(environment, job, attempt, digests);
  const auto stored = environment.store.put(
      put_request(environment, job, source.stat, digests), body, context);
  UploadResult result = finish_upload(environment, job, attempt, digests, stored);
  result.bytes = source.stat.size;
  if (result.status == TransferStatus::kDone) {
    report_bytes(environment, job.key, result.bytes);
  }
  return result;
}

UploadResult upload_whole(TransferEnvironment& environment, const UploadJob& job,
                          const UploadTry& attempt, const CallContext& context) {
  const auto size = static_cast<std::size_t>(attempt.source.stat.size);
  if (size <= kKeptBuffer) {
    return upload_buffered(environment, job, attempt, thread_buffer(size), context);
  }
  if (size > kSingleBuffer) return upload_streamed(environment, job, attempt, context);
  const BufferShare share(*environment.buffers, size);
  if (!share.granted()) return upload_streamed(environment, job, attempt, context);
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(size);
  return upload_buffered(environment, job, attempt, {buffer.get(), size}, context);
}

bool takes_parts(const TransferEnvironment& environment, std::uint64_t size) {
  if (environment.store.multipart() == nullptr || size == 0) return false;
  return size > environment.settings.multipart_threshold ||
         size > environment.store.capabilities().max_single_put;
}

void require_storable(const TransferEnvironment& environment, const UploadJob& job,
                      std::uint64_t size) {
  const auto& capabilities = environment.store.capabilities();
  const std::uint64_t limit = takes_parts(environment, size)
                                  ? capabilities.max_object
                                  : capabilities.max_single_put;
  if (size <= limit) return;
  throw Error(ErrorCode::kUnsupported,
              "uploading " + base::printable(job.key) + ": " + std::to_string(size) +
                  " bytes are more than the " + std::to_string(limit) + " bytes that " +
                  environment.store.describe() + " takes in one object");
}

UploadResult upload_once(TransferEnvironment& environment, const UploadJob& job,
                         const UploadTry& attempt, const CallContext& context) {
  const std::uint64_t size = attempt.source.stat.size;
  require_storable(environment, job, size);
  if (takes_parts(environment, size)) {
    return upload_in_parts(environment, job, attempt, context);
  }
  return upload_whole(environment, job, attempt, context);
}

UploadResult upload_regular(TransferEnvironment& environment, const UploadJob& job,
                            const CallContext& context) {
  for (int i = 0; i < kTries; ++i) {
    context.throw_if_stopped();
    UploadTry attempt;
    attempt.started_ns = environment.clock.now_ns();
    switch (open_source(environment.files, job.key, job.follow, attempt.source)) {
      case OpenStatus::kGone:
        return with_status(TransferStatus::kSourceGone);
      case OpenStatus::kNotRegular:
        return with_status(TransferStatus::kSourceChanged);
      case OpenStatus::kOpened:
        break;
    }
    UploadResult result = upload_once(environment, job, attempt, context);
    if (result.status != TransferStatus::kSourceChanged) return result;
  }
  return with_status(TransferStatus::kSourceChanged);
}

// An object without content: what it stands for is in its key or metadata. The base row's
// hash is that of the link's target, so that two links never pass for the same content.
UploadResult put_empty(TransferEnvironment& environment, const UploadJob& job,
                       const UploadTry& attempt, storage::PutRequest request,
                       const CallContext& context) {
  request.key = full_key(environment, job.key);
  request.md5 = hash::Md5::of({});
  request.condition = job.condition;
  request.storage_class = environment.settings.storage_class;
  hand_on(job.owner, request);
  MemorySource body(Bytes{});
  const auto identity = digests_of(std::as_bytes(std::span(job.link_target)),
                                   environment.settings.content_hash);
  intend_upload(environment, job, attempt, identity);
  const auto stored = environment.store.put(request, body, context);
  return finish_upload(environment, job, attempt, identity, stored);
}

UploadResult upload_symlink(TransferEnvironment& environment, const UploadJob& job,
                            const CallContext& context) {
  UploadTry attempt;
  attempt.started_ns = environment.clock.now_ns();
  const auto stat = environment.files.stat(job.key);
  if (!stat) return with_status(TransferStatus::kSourceGone);
  if (stat->kind != base::FileKind::kSymlink ||
      environment.files.read_link(job.key) != job.link_target) {
    return with_status(TransferStatus::kSourceChanged);
  }
  attempt.source.stat = *stat;
  storage::PutRequest request;
  request.metadata = storage::symlink_metadata(
      environment.store.capabilities().mtime_style, stat->mtime_ns, job.link_target);
  request.content_type = storage::content_type_for("");
  return put_empty(environment, job, attempt, std::move(request), context);
}

UploadResult upload_marker(TransferEnvironment& environment, const UploadJob& job,
                           const CallContext& context) {
  UploadTry attempt;
  attempt.started_ns = environment.clock.now_ns();
  const std::string path = job.key.substr(0, job.key.find_last_not_of('/') + 1);
  const auto stat = environment.files.stat(path);
  if (!stat) return with_status(TransferStatus::kSourceGone);
  if (stat->kind != base::FileKind::kDirectory) {
    return with_status(TransferStatus::kSourceChanged);
  }
  attempt.source.stat = *stat;
  UploadJob marker = job;
  marker.key = path + '/';
  storage::PutRequest request;
  request.content_type = kDirectoryType;
  return put_empty(environment, marker, attempt, std::move(request), context);
}

}  // namespace

UploadResult upload_file(TransferEnvironment& environment, const UploadJob& job,
                         const CallContext& context) {
  switch (job.kind) {
    case EntryKind::kDirectory:
      return upload_marker(environment, job, context);
    case EntryKind::kSymlink:
      return upload_symlink(environment, job, context);
    case EntryKind::kFile:
      break;
  }
  return upload_regular(environment, job, context);
}

}  // namespace cloudsync::sync

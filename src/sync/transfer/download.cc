// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"
#include "hash/digest.h"
#include "storage/content_check.h"
#include "sync/transfer/incoming_file.h"
#include "sync/transfer/transfer.h"

namespace cloudsync::sync {
namespace {

// Writes and hashes what arrives, in order, and takes not one byte more than was listed.
class HashingSink final : public ByteSink {
 public:
  HashingSink(TransferEnvironment& environment, const DownloadJob& job,
              base::WritableFile& file)
      : environment_(environment),
        job_(job),
        file_(file),
        hasher_(environment.settings.content_hash) {
    if (storage::may_tell_crc64nvme(environment.store)) received_.crc64nvme = 0;
    if (storage::may_tell_crc32c(environment.store)) received_.crc32c = 0;
  }

  void write(Bytes bytes) override {
    if (bytes.size() > job_.remote.size - offset_) {
      throw_corrupt(environment_, job_, "more bytes came than were listed");
    }
    file_.write_at(offset_, bytes);
    hasher_.update(bytes);
    if (received_.crc64nvme)
      received_.crc64nvme = hash::crc64nvme(bytes, *received_.crc64nvme);
    if (received_.crc32c) received_.crc32c = hash::crc32c(bytes, *received_.crc32c);
    offset_ += bytes.size();
    if (environment_.on_bytes && !job_.again)
      environment_.on_bytes(job_.key, bytes.size());
  }

  std::uint64_t written() const { return offset_; }
  ReceivedContent finish() {
    received_.digests = {.md5 = hasher_.md5(), .sha256 = hasher_.sha256()};
    return received_;
  }

 private:
  TransferEnvironment& environment_;
  const DownloadJob& job_;
  base::WritableFile& file_;
  ContentHasher hasher_;
  ReceivedContent received_;
  std::uint64_t offset_ = 0;
};

DownloadResult download_whole(TransferEnvironment& environment, const DownloadJob& job,
                              const CallContext& context) {
  IncomingFile incoming(environment.files, environment.random, job.remote.size);
  HashingSink sink(environment, job, incoming.file());
  storage::GetRequest request;
  request.key = source_key(environment, job);
  request.fresh_connection = job.again;
  if (!job.remote.token.value.empty()) request.if_match = job.remote.token;
  auto got = environment.store.get(request, sink, context);
  DownloadResult result;
  if (got.outcome != storage::Outcome::kOk) {
    result.status = refusal(got.outcome);
    return result;
  }
  if (sink.written() != job.remote.size) {
    throw_corrupt(environment, job,
                  std::to_string(sink.written()) + " bytes came instead of " +
                      std::to_string(job.remote.size));
  }
  const ReceivedContent received = sink.finish();
  got.info = with_listed_metadata(std::move(got.info), job);
  verify_received(environment, job, got.info, received);
  result.mtime_ns = object_time_ns(got.info);
  incoming.file().set_mtime(result.mtime_ns);
  incoming.keep();
  result.temp_path = incoming.path();
  result.info = std::move(got.info);
  result.md5 = received.digests.md5;
  result.sha256 = received.digests.sha256;
  result.bytes = sink.written();
  return result;
}

DownloadResult download_once(TransferEnvironment& environment, const DownloadJob& job,
                             const CallContext& context) {
  context.throw_if_stopped();
  const bool pinned = !job.remote.token.value.empty();
  if (pinned && job.remote.size > environment.settings.multipart_threshold) {
    return download_in_ranges(environment, job, context);
  }
  return download_whole(environment, job, context);
}

}  // namespace

DownloadResult download_file(TransferEnvironment& environment, const DownloadJob& job,
                             const CallContext& context) {
  try {
    return download_once(environment, job, context);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kDataCorrupt) throw;
    base::log().info("{}; fetching it once more over a new connection", error.what());
  }
  DownloadJob again = job;
  again.again = true;
  return download_once(environment, again, context);
}

}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
#include "sync/transfer/ranged_download.h"

#include <memory>

#include "base/time_range.h"
#include "storage/content_check.h"
#include "sync/decide/classify.h"

namespace cloudsync::sync {
namespace {

constexpr std::int64_t kOldestDownload = 7LL * 86400 * 1'000'000'000;

// The row and the file that belong together: an interrupted pair or a new one.
struct Resumable {
  OperationId transfer = 0;
  std::unique_ptr<IncomingFile> incoming;
};

TransferRow describe_download(const TransferEnvironment& environment,
                              const DownloadJob& job) {
  TransferRow row;
  row.pair = environment.pair;
  row.key = job.key;
  row.direction = OperationAction::kDownload;
  row.size = job.remote.size;
  row.part_size = plan_parts(job.remote.size, environment.settings.chunk_size,
                             environment.store.capabilities())
                      .part_size;
  row.expect_token = job.remote.token.value;
  row.started_ns = environment.clock.now_ns();
  return row;
}

bool can_continue(TransferEnvironment& environment, const TransferRow& older,
                  const TransferRow& wanted) {
  if (older.size != wanted.size || older.part_size != wanted.part_size ||
      older.expect_token != wanted.expect_token || older.temp_name.empty()) {
    return false;
  }
  const auto stat = environment.files.stat(temp_path(older.temp_name));
  return stat && stat->kind == base::FileKind::kRegular && stat->size == wanted.size;
}

Resumable open_download(TransferEnvironment& environment, const DownloadJob& job) {
  TransferRow row = describe_download(environment, job);
  const auto older = environment.state.find_transfer(environment.pair, job.key,
                                                     OperationAction::kDownload);
  Resumable download;
  if (older && can_continue(environment, *older, row)) {
    download.transfer = older->id;
    download.incoming =
        std::make_unique<IncomingFile>(environment.files, older->temp_name);
  } else {
    if (older && !older->temp_name.empty()) {
      environment.files.remove_file(temp_path(older->temp_name));
    }
    download.incoming = std::make_unique<IncomingFile>(
        environment.files, environment.random, job.remote.size);
    row.temp_name = download.incoming->name();
    download.transfer = environment.state.begin_transfer(row);
  }
  download.incoming->keep();
  return download;
}

void forget(TransferEnvironment& environment, Resumable& download) {
  download.incoming->discard();
  environment.record(EraseTransfer{download.transfer});
}

// What cannot get better by going on where it stopped.
bool spoils_the_file(ErrorCode code) {
  return code == ErrorCode::kDataCorrupt || code == ErrorCode::kLocalIo ||
         code == ErrorCode::kDiskFull;
}

// What the ranges' answers told, without the checksums: S3 gives those of a part when a
// range happens to be one. A HEAD has the whole object's, which is asked for where
// no checksum of the service's own vouches for the content, and has the metadata where
// every range was there already.
std::optional<storage::ObjectInfo> info_of(TransferEnvironment& environment,
                                           const DownloadJob& job,
                                           const RangeFetcher& fetcher,
                                           const CallContext& context) {
  std::optional<storage::ObjectInfo> told = fetcher.info();
  if (told) {
    told = with_listed_metadata(std::move(*told), job);
    told->crc64nvme = job.remote.crc64nvme;
    told->crc32c = job.remote.crc32c;
    if (told->md5 || told->crc64nvme || told->crc32c) return told;
    if (!storage::may_tell_crc64nvme(environment.store)) return told;
  }
  auto info = environment.store.head(source_key(environment, job), context);
  return info && info->token == job.remote.token ? info : told;
}

DownloadResult run(TransferEnvironment& environment, const DownloadJob& job,
                   Resumable& download, const CallContext& context) {
  RangeFetcher fetcher(environment, job, *download.incoming, download.transfer, context);
  DownloadResult result;
  if (!fetcher.fetch()) {
    result.status = refusal(fetcher.refused());
    return result;
  }
  auto info = info_of(environment, job, fetcher, context);
  if (!info) {
    result.status = TransferStatus::kTargetChanged;
    return result;
  }
  const ReceivedContent received = fetcher.received();
  verify_received(environment, job, *info, received);
  result.mtime_ns = object_time_ns(*info);
  download.incoming->file().set_mtime(result.mtime_ns);
  result.temp_path = download.incoming->path();
  result.info = std::move(*info);
  result.md5 = received.digests.md5;
  result.sha256 = received.digests.sha256;
  result.bytes = fetcher.fetched_bytes();
  result.transfer = download.transfer;
  return result;
}

bool is_stale(TransferEnvironment& environment, const TransferRow& row) {
  if (base::time_difference(environment.clock.now_ns(), row.started_ns) > kOldestDownload)
    return true;
  return row.temp_name.empty() || !environment.files.stat(temp_path(row.temp_name));
}

}  // namespace

DownloadResult download_in_ranges(TransferEnvironment& environment,
                                  const DownloadJob& job, const CallContext& context) {
  Resumable download = open_download(environment, job);
  try {
    DownloadResult result = run(environment, job, download, context);
    if (result.status != TransferStatus::kDone) forget(environment, download);
    return result;
  } catch (const Error& error) {
    if (spoils_the_file(error.code())) forget(environment, download);
    throw;
  }
}

void drop_stale_downloads(TransferEnvironment& environment) {
  for (const TransferRow& row : environment.state.transfers(environment.pair)) {
    if (row.direction != OperationAction::kDownload || !is_stale(environment, row))
      continue;
    if (!row.temp_name.empty()) environment.files.remove_file(temp_path(row.temp_name));
    environment.record(EraseTransfer{row.id});
  }
}

}  // namespace cloudsync::sync

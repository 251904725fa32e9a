// SPDX-License-Identifier: Apache-2.0
#include "sync/transfer/incoming_file.h"

#include "base/encoding.h"
#include "base/log.h"
#include "storage/content_check.h"
#include "sync/decide/classify.h"
#include "sync/scan/key_rules.h"

namespace cloudsync::sync {
namespace {

constexpr std::uint32_t kPrivateMode = 0600;
// Below, the first write says at once whether there is room, and reserving costs more
// than the rest of the file's handling.
constexpr std::uint64_t kReserveFrom = 1U << 20;

void require_space(base::FileSystem& files, std::uint64_t size) {
  if (size < kReserveFrom) return;
  const std::uint64_t free = files.free_bytes();
  if (size <= free) return;
  throw Error(ErrorCode::kDiskFull, "no room under " + files.root_path() + ": " +
                                        std::to_string(size) + " bytes are needed, " +
                                        std::to_string(free) + " are free");
}

}  // namespace

std::string temp_path(const std::string& name) {
  return std::string(kTempDirectory) + "/" + name;
}

IncomingFile::IncomingFile(base::FileSystem& files, base::Random& random,
                           std::uint64_t size)
    : files_(files), name_(base::random_hex_id(random) + ".part") {
  require_space(files_, size);
  file_ = files_.create(path(), kPrivateMode);
  if (size < kReserveFrom) return;
  try {
    file_->allocate(size);
  } catch (const Error&) {
    files_.remove_file(path());
    throw;
  }
}

IncomingFile::IncomingFile(base::FileSystem& files, std::string name)
    : files_(files), name_(std::move(name)), file_(files.open_write(temp_path(name_))) {}

IncomingFile::~IncomingFile() {
  if (kept_) return;
  try {
    files_.remove_file(path());
  } catch (const Error&) {
    // A destructor cannot report; the purge of old temporary files takes it a day later.
  }
}

std::string IncomingFile::path() const { return temp_path(name_); }

void throw_corrupt(const TransferEnvironment& environment, const DownloadJob& job,
                   const std::string& what) {
  throw Error(ErrorCode::kDataCorrupt,
              "downloading " + base::printable(job.key) + " from " +
                  environment.store.describe() + ": " + what +
                  "; what was received is dropped, nothing local has changed");
}

storage::ObjectInfo with_listed_metadata(storage::ObjectInfo info,
                                         const DownloadJob& job) {
  const bool same_version =
      !job.remote.token.value.empty() && info.token == job.remote.token;
  if (!info.metadata && same_version) info.metadata = job.remote.metadata;
  if (!info.md5) info.md5 = job.remote.md5;
  if (!info.stored_md5) info.stored_md5 = job.remote.stored_md5;
  return info;
}

void verify_received(const TransferEnvironment& environment, const DownloadJob& job,
                     const storage::ObjectInfo& info, const ReceivedContent& received) {
  const auto judgement = storage::judge_content(
      info, {received.digests.md5, received.crc32c, received.crc64nvme},
      environment.settings.ignore_stored_md5);
  if (!judgement.fault.empty()) throw_corrupt(environment, job, judgement.fault);
  if (judgement.warning.empty()) return;
  base::log().warn("{}: {}", base::printable(job.key), judgement.warning);
}

storage::ObjectKey source_key(const TransferEnvironment& environment,
                              const DownloadJob& job) {
  return {environment.prefix + job.key};
}

TransferStatus refusal(storage::Outcome outcome) {
  return outcome == storage::Outcome::kArchived ? TransferStatus::kArchived
                                                : TransferStatus::kTargetChanged;
}

std::int64_t object_time_ns(const storage::ObjectInfo& info) {
  if (info.metadata) {
    if (const auto time = metadata_mtime_ns(*info.metadata)) return *time;
  }
  return info.last_modified_ns;
}

}  // namespace cloudsync::sync

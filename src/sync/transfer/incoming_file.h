// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/random.h"
#include "sync/transfer/stable_read.h"
#include "sync/transfer/transfer.h"

namespace cloudsync::sync {

// A file under .cloudsync/tmp that disappears with this object unless it is kept.
class IncomingFile {
 public:
  // Creates it under a random name with its space reserved. Throws Error{kDiskFull}
  // before anything is transferred when it cannot fit.
  IncomingFile(base::FileSystem& files, base::Random& random, std::uint64_t size);
  // Opens an interrupted one.
  IncomingFile(base::FileSystem& files, std::string name);
  ~IncomingFile();
  IncomingFile(const IncomingFile&) = delete;
  IncomingFile& operator=(const IncomingFile&) = delete;

  base::WritableFile& file() { return *file_; }
  const std::string& name() const { return name_; }
  std::string path() const;
  void keep() { kept_ = true; }
  void discard() { kept_ = false; }

 private:
  base::FileSystem& files_;
  std::string name_;
  std::unique_ptr<base::WritableFile> file_;
  bool kept_ = false;
};

std::string temp_path(const std::string& name);

// What is known about a received content besides its length.
struct ReceivedContent {
  ContentDigests digests;
  std::optional<std::uint32_t> crc32c;
  std::optional<std::uint64_t> crc64nvme;
};

// What the answer told of the object; Google's media answers carry no metadata, but the
// listing of this very version may.
storage::ObjectInfo with_listed_metadata(storage::ObjectInfo info,
                                         const DownloadJob& job);
// Throws Error{kDataCorrupt} when the content is not what the object is said to be:
// storage/content_check.h. A hash that only might be one (a listed ETag) is no reason.
void verify_received(const TransferEnvironment& environment, const DownloadJob& job,
                     const storage::ObjectInfo& info, const ReceivedContent& received);
[[noreturn]] void throw_corrupt(const TransferEnvironment& environment,
                                const DownloadJob& job, const std::string& what);
storage::ObjectKey source_key(const TransferEnvironment& environment,
                              const DownloadJob& job);
// The status of an outcome that brings no content.
TransferStatus refusal(storage::Outcome outcome);
std::int64_t object_time_ns(const storage::ObjectInfo& info);

DownloadResult download_in_ranges(TransferEnvironment& environment,
                                  const DownloadJob& job, const CallContext& context);

}  // namespace cloudsync::sync

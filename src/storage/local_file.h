// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/byte_stream.h"
#include "base/call_context.h"
#include "base/file_system.h"
#include "cloudsync/cloud_storage.h"
#include "storage/local/posix_file.h"

namespace cloudsync::storage {

// A local file that is to be sent as it was when it was opened.
class SourceFile {
 public:
  // Throws kNotFound, kInvalidArgument (no regular file) or kLocalIo.
  explicit SourceFile(std::string path);
  const base::FileStat& stat() const { return stat_; }
  const std::string& path() const { return path_; }
  int fd() const { return fd_.get(); }
  // Whether the descriptor and the path still show the file that was opened.
  bool is_unchanged() const;
  void require_unchanged()
      const;  // throws kLocalIo, retryable: try again with the new content

 private:
  std::string path_;
  local::UniqueFd fd_;
  base::FileStat stat_;
};

// A range of a file as a body. The last bytes are held back until the file proved
// unchanged, so that a torn mix is never completed.
class FileRangeSource final : public ByteSource {
 public:
  FileRangeSource(const SourceFile& file, std::uint64_t offset, std::uint64_t length,
                  ProgressCallback progress);
  std::uint64_t size() const override { return length_; }
  std::size_t read(MutableBytes out) override;
  void rewind() override { position_ = 0; }

 private:
  void report(std::uint64_t position);

  const SourceFile& file_;
  std::uint64_t offset_;
  std::uint64_t length_;
  std::uint64_t position_ = 0;
  std::uint64_t reported_ = 0;  // a repeated body counts once
  ProgressCallback progress_;
};

// MD5 of a range by one pass of its own.
Md5Digest md5_of(const SourceFile& file, std::uint64_t offset, std::uint64_t length,
                 const CallContext& context);

// A new file beside its target that takes the target's place only when it is complete.
class ReplacementFile final : public ByteSink {
 public:
  explicit ReplacementFile(std::string target);
  ~ReplacementFile() override;
  void write(Bytes bytes) override;
  // Takes over the target's mode (0666 less umask for a new file) and `mtime_ns`, makes
  // it durable and replaces the target in one step.
  void commit(std::int64_t mtime_ns);

 private:
  std::string target_;
  std::string path_;
  local::UniqueFd fd_;
};

}  // namespace cloudsync::storage

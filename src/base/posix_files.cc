// SPDX-License-Identifier: Apache-2.0
#include "base/posix_files.h"

#include <fcntl.h>
#include <sys/statvfs.h>

#include <fmt/format.h>

#include "base/encoding.h"
#include "cloudsync/error.h"

namespace cloudsync::base {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;

timespec to_timespec(std::int64_t ns) {
  timespec time{};
  time.tv_sec = ns / kNsPerSecond;
  time.tv_nsec = ns % kNsPerSecond;
  if (time.tv_nsec < 0) {
    time.tv_nsec += kNsPerSecond;
    --time.tv_sec;
  }
  return time;
}

void require_regular(int fd, const std::string& path) {
  if (stat_descriptor(fd, path).kind == FileKind::kRegular) return;
  throw Error(ErrorCode::kLocalIo,
              fmt::format("cannot open '{}': it is not a regular file", printable(path)));
}

std::size_t read_fully(int fd, std::uint64_t offset, MutableBytes out,
                       const std::string& path) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t n = retry_interrupted([&] {
      return pread(fd, out.data() + done, out.size() - done,
                   static_cast<off_t>(offset + done));
    });
    if (n < 0) throw_io(errno, "read", path);
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

bool lacks_fallocate(int error) {
  return error == EOPNOTSUPP || error == ENOSYS || error == EINVAL;
}

// Without reservation the free space at this moment is the best forecast there is.
void require_free(int fd, std::uint64_t size, const std::string& path) {
  struct statvfs status{};
  if (fstatvfs(fd, &status) != 0) throw_io(errno, "stat the file system of", path);
  if (status.f_bavail * status.f_frsize < size)
    throw_io(ENOSPC, "reserve space for", path);
}

class PosixReadableFile final : public ReadableFile {
 public:
  PosixReadableFile(UniqueFd fd, std::string path)
      : fd_(std::move(fd)), path_(std::move(path)) {}

  FileStat stat() const override { return stat_descriptor(fd_.get(), path_); }

  std::size_t read_at(std::uint64_t offset, MutableBytes out) const override {
    return read_fully(fd_.get(), offset, out, path_);
  }

 private:
  UniqueFd fd_;
  std::string path_;
};

class PosixWritableFile final : public WritableFile {
 public:
  PosixWritableFile(UniqueFd fd, std::string path)
      : fd_(std::move(fd)), path_(std::move(path)) {}

  FileStat stat() const override { return stat_descriptor(fd_.get(), path_); }

  std::size_t read_at(std::uint64_t offset, MutableBytes out) const override {
    return read_fully(fd_.get(), offset, out, path_);
  }

  void write_at(std::uint64_t offset, Bytes bytes) override {
    std::size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t n = retry_interrupted([&] {
        return pwrite(fd_.get(), bytes.data() + done, bytes.size() - done,
                      static_cast<off_t>(offset + done));
      });
      if (n < 0) throw_io(errno, "write", path_);
      done += static_cast<std::size_t>(n);
    }
  }

  void allocate(std::uint64_t size) override {
    const auto length = static_cast<off_t>(size);
    if (size != 0 &&
        retry_interrupted([&] { return fallocate(fd_.get(), 0, 0, length); }) != 0) {
      if (!lacks_fallocate(errno)) throw_io(errno, "reserve space for", path_);
      require_free(fd_.get(), size, path_);
    }
    if (retry_interrupted([&] { return ftruncate(fd_.get(), length); }) != 0) {
      throw_io(errno, "set the length of", path_);
    }
  }

  void set_mtime(std::int64_t mtime_ns) override {
    const timespec times[2] = {{0, UTIME_OMIT}, to_timespec(mtime_ns)};
    if (futimens(fd_.get(), times) == 0 || keeps_no_such_attribute(errno)) return;
    throw_io(errno, "set the time of", path_);
  }

  void sync() override {
    if (retry_interrupted([&] { return fsync(fd_.get()); }) != 0) {
      throw_io(errno, "write to disk", path_);
    }
  }

 private:
  UniqueFd fd_;
  std::string path_;
};

}  // namespace

std::unique_ptr<ReadableFile> make_readable(UniqueFd fd, std::string absolute_path) {
  require_regular(fd.get(), absolute_path);
  return std::make_unique<PosixReadableFile>(std::move(fd), std::move(absolute_path));
}

std::unique_ptr<WritableFile> make_writable(UniqueFd fd, std::string absolute_path) {
  require_regular(fd.get(), absolute_path);
  return std::make_unique<PosixWritableFile>(std::move(fd), std::move(absolute_path));
}

}  // namespace cloudsync::base

// SPDX-License-Identifier: Apache-2.0
#include "base/posix_copy.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <limits>

namespace cloudsync::base {
namespace {

constexpr int kSource = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
constexpr int kTarget = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW;
constexpr std::size_t kMostAtOnce = 1U << 30;

// Ends at the end of the source. An answer of nothing for a file that has bytes is how
// some file systems say that they cannot.
bool copy_ranges(int from, int to, std::uint64_t size) {
  std::uint64_t done = 0;
  for (;;) {
    const ssize_t n = retry_interrupted(
        [&] { return copy_file_range(from, nullptr, to, nullptr, kMostAtOnce, 0); });
    if (n < 0) return false;
    if (n == 0) return done >= size;
    done += static_cast<std::uint64_t>(n);
  }
}

bool copy_bytes(int from, int to, std::uint64_t size) {
  if (retry_interrupted([&] { return ioctl(to, FICLONE, from); }) == 0) return true;
  return copy_ranges(from, to, size);
}

bool finish_copy(int to, const struct stat& source) {
  const timespec times[2] = {{0, UTIME_OMIT}, source.st_mtim};
  futimens(to, times);  // best effort: the bytes are what counts
  return retry_interrupted([&] { return fsync(to); }) == 0;
}

// Two folders are on one mount when both numbers agree; subvolumes share only the first.
struct MountNumbers {
  std::uint64_t mount = 0;
  std::uint64_t device_major = 0;
  std::uint64_t device_minor = 0;
  bool operator==(const MountNumbers&) const = default;
};

MountNumbers mount_of(const PosixRoot& root, const std::string& folder) {
  const UniqueFd fd = folder.empty() ? UniqueFd(dup(root.fd()))
                                     : root.try_open(folder, O_PATH | O_DIRECTORY);
  struct statx status{};
  if (!fd.valid() || statx(fd.get(), "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID,
                           &status) != 0) {
    throw_walk(errno, "stat the directory", root.absolute(folder));
  }
  return {status.stx_mnt_id, status.stx_dev_major, status.stx_dev_minor};
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

}  // namespace

bool copy_file_in(const PosixRoot& root, const std::string& from, const std::string& to) {
  const UniqueFd source = root.open(from, kSource, "open");
  struct stat status{};
  if (fstat(source.get(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
  const Location location = root.locate(to, "create");
  const UniqueFd target = open_component(location.parent, location.leaf, kTarget, 0600);
  if (!target.valid()) throw_io(errno, "create", root.absolute(to));
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (copy_bytes(source.get(), target.get(), size) && finish_copy(target.get(), status)) {
    return true;
  }
  unlinkat(location.parent, location.leaf, 0);
  return false;
}

std::string mount_top_in(const PosixRoot& root, const std::string& path) {
  std::string top = parent_of(path);
  const MountNumbers here = mount_of(root, top);
  while (!top.empty()) {
    const std::string above = parent_of(top);
    if (mount_of(root, above) != here) return top;
    top = above;
  }
  return top;
}

}  // namespace cloudsync::base

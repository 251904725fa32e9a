// SPDX-License-Identifier: Apache-2.0
#include "base/posix_mount.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <mutex>

#include "base/posix_root.h"

namespace cloudsync::base {
namespace {

struct MadeUp {
  bool inode = false;
  bool change_time = false;
};

std::atomic<bool> any_made_up = false;
std::mutex made_up_mutex;
std::map<dev_t, MadeUp>& made_up_devices() {
  static std::map<dev_t, MadeUp> devices;
  return devices;
}

MadeUp made_up_numbers(dev_t device) {
  if (!any_made_up.load(std::memory_order_relaxed)) return {};
  const std::lock_guard lock(made_up_mutex);
  const auto found = made_up_devices().find(device);
  return found == made_up_devices().end() ? MadeUp{} : found->second;
}

bool same_time(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

// ext, XFS, btrfs, tmpfs, ramfs, F2FS, ZFS, JFS, ReiserFS, NILFS, bcachefs, overlay, NFS,
// CephFS, GFS2, OCFS2.
constexpr std::array<std::uint64_t, 16> kKeepers = {
    0xEF53,     0x58465342, 0x9123683E, 0x01021994, 0x858458F6, 0xF2F52010,
    0x2FC12FC1, 0x3153464A, 0x52654973, 0x3434,     0xCA451A4E, 0x794C7630,
    0x6969,     0x00C36400, 0x01161970, 0x7461636F};

std::string path_of(int fd) {
  std::array<char, 4096> target{};
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t n = readlink(link.c_str(), target.data(), target.size());
  return n < 0 ? std::string() : std::string(target.data(), static_cast<std::size_t>(n));
}

}  // namespace

void look_for_made_up_numbers(int directory) {
  struct stat first{};
  struct stat second{};
  struct stat third{};
  if (fstat(directory, &first) != 0 || fstat(directory, &second) != 0 ||
      fstat(directory, &third) != 0) {
    return;
  }
  // Somebody may be writing into the directory: one difference proves nothing.
  const MadeUp found{.inode = first.st_ino != second.st_ino,
                     .change_time = !same_time(first.st_ctim, second.st_ctim) &&
                                    !same_time(second.st_ctim, third.st_ctim)};
  const bool any = found.inode || found.change_time;
  if (!any && !any_made_up.load()) return;
  const std::lock_guard lock(made_up_mutex);
  if (any) {
    made_up_devices()[first.st_dev] = found;
  } else {
    made_up_devices().erase(first.st_dev);  // the number belongs to another mount now
  }
  any_made_up = !made_up_devices().empty();
}

void drop_made_up_numbers(struct stat& status) {
  const MadeUp made_up = made_up_numbers(status.st_dev);
  if (made_up.inode) status.st_ino = 0;
  if (made_up.change_time) status.st_ctim = {};
}

bool is_same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev &&
         (a.st_ino == b.st_ino || made_up_numbers(a.st_dev).inode);
}

bool keeps_numbers(int fd) {
  struct statfs status{};
  if (fstatfs(fd, &status) != 0) return false;
  const auto type = static_cast<std::uint64_t>(status.f_type) & 0xFFFFFFFFU;
  return std::ranges::find(kKeepers, type) != kKeepers.end();
}

bool has_casefold_flag(int directory) {
  unsigned flags = 0;
  return ioctl(directory, FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_CASEFOLD_FL) != 0;
}

bool is_named(int fd, const std::string& path) {
  struct stat pinned{};
  struct stat named{};
  if (fstat(fd, &pinned) != 0 || ::stat(path.c_str(), &named) != 0) return false;
  if (pinned.st_dev != named.st_dev) return false;
  if (pinned.st_ino == named.st_ino) return true;
  // Made-up numbers: then the kernel's name for both decides.
  if (!made_up_numbers(pinned.st_dev).inode) return false;
  const UniqueFd now(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const std::string name = path_of(fd);
  return now.valid() && !name.empty() && path_of(now.get()) == name;
}

}  // namespace cloudsync::base

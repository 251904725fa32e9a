// SPDX-License-Identifier: Apache-2.0
#include "base/posix_root.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <limits>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/posix_mount.h"
#include "cloudsync/error.h"

namespace cloudsync::base {
namespace {

constexpr int kMostLinks = 40;   // as the kernel's own limit
constexpr int kMostEagain = 16;  // openat2 gives EAGAIN when ".." raced with a rename
constexpr int kDirectoryFlags = O_PATH | O_DIRECTORY | O_CLOEXEC;
constexpr std::uint64_t kBeneath = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;

int call_openat2(int dir, const char* path, open_how how) {
  int fd = -1;
  for (int i = 0; i < kMostEagain; ++i) {
    fd = static_cast<int>(retry_interrupted(
        [&] { return syscall(SYS_openat2, dir, path, &how, sizeof how); }));
    if (fd >= 0 || errno != EAGAIN) break;
  }
  return fd;
}

open_how make_how(int flags, mode_t mode, std::uint64_t resolve) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags);
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;
  how.resolve = resolve;
  return how;
}

// ENOSYS before Linux 5.6; EPERM from sandboxes that do not know the call.
bool detect_openat2(int root) {
  const UniqueFd fd(call_openat2(
      root, ".", make_how(kDirectoryFlags, 0, kBeneath | RESOLVE_NO_SYMLINKS)));
  return fd.valid();
}

// Saturates: some file systems hand out times that nanoseconds in 64 bits cannot hold.
std::int64_t to_nanoseconds(const timespec& time) {
  std::int64_t ns = 0;
  const bool overflow =
      __builtin_mul_overflow(std::int64_t{time.tv_sec}, 1'000'000'000, &ns) ||
      __builtin_add_overflow(ns, std::int64_t{time.tv_nsec}, &ns);
  if (!overflow) return ns;
  return time.tv_sec < 0 ? std::numeric_limits<std::int64_t>::min()
                         : std::numeric_limits<std::int64_t>::max();
}

FileKind kind_of(mode_t mode) {
  if (S_ISREG(mode)) return FileKind::kRegular;
  if (S_ISDIR(mode)) return FileKind::kDirectory;
  return S_ISLNK(mode) ? FileKind::kSymlink : FileKind::kSpecial;
}

bool is_symlink_at(int dir, const char* name) {
  struct stat status{};
  return fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode);
}

std::vector<std::string> components(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (!part.empty() && part != ".") parts.emplace_back(part);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return parts;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string path;
  for (const std::string& part : parts) {
    if (!path.empty()) path += '/';
    path += part;
  }
  return path;
}

}  // namespace

ErrorCode io_error_code(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::kDiskFull;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::kPermissionDenied;
    default:
      return ErrorCode::kLocalIo;
  }
}

void throw_io(int error, std::string_view what, const std::string& absolute_path) {
  throw Error(io_error_code(error),
              fmt::format("cannot {} '{}': {}", what, printable(absolute_path),
                          std::generic_category().message(error)));
}

void throw_walk(int error, std::string_view what, const std::string& absolute_path) {
  if (error != ELOOP && error != EXDEV) throw_io(error, what, absolute_path);
  throw Error(
      ErrorCode::kLocalIo,
      fmt::format("cannot {} '{}': a component of the path is a symlink, and symlinks "
                  "are not followed here",
                  what, printable(absolute_path)));
}

bool keeps_no_such_attribute(int error) {
  return error == EPERM || error == ENOSYS || error == EOPNOTSUPP || error == EINVAL;
}

bool is_absent(int error) { return error == ENOENT || error == ENOTDIR; }

FileStat to_file_stat(const struct stat& seen) {
  struct stat status = seen;
  drop_made_up_numbers(status);
  FileStat result;
  result.kind = kind_of(status.st_mode);
  result.size = static_cast<std::uint64_t>(status.st_size);
  result.mtime_ns = to_nanoseconds(status.st_mtim);
  result.ctime_ns = to_nanoseconds(status.st_ctim);
  result.ino = status.st_ino;
  result.dev = status.st_dev;
  result.mode = status.st_mode & 07777;
  result.nlink = status.st_nlink;
  return result;
}

FileStat stat_descriptor(int fd, const std::string& absolute_path) {
  struct stat status{};
  if (fstat(fd, &status) != 0) throw_io(errno, "stat", absolute_path);
  return to_file_stat(status);
}

UniqueFd open_component(int dir, const char* name, int flags, mode_t mode) {
  UniqueFd fd(retry_interrupted(
      [&] { return openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC, mode); }));
  // O_NOFOLLOW on a directory reports a symlink as ENOTDIR, which would read as "absent".
  if (!fd.valid() && errno == ENOTDIR) errno = is_symlink_at(dir, name) ? ELOOP : ENOTDIR;
  return fd;
}

PosixRoot::PosixRoot(UniqueFd fd, std::string path, Resolver resolver)
    : fd_(std::move(fd)),
      path_(std::move(path)),
      has_openat2_(resolver == Resolver::kDetect && detect_openat2(fd_.get())) {}

std::string PosixRoot::absolute(const std::string& path) const {
  if (path.empty()) return path_;
  return path_ == "/" ? "/" + path : path_ + "/" + path;
}

// openat2 would allow ".." that stays inside, and a NUL would silently cut the path
// short.
void PosixRoot::check_relative(const std::string& path) const {
  std::string_view rest = path;
  bool good = rest.find('\0') == std::string_view::npos;
  while (good && !rest.empty()) {
    const std::size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    good = !part.empty() && part != "." && part != ".." && slash != rest.size() - 1;
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
  }
  if (good) return;
  throw Error(
      ErrorCode::kInvalidArgument,
      fmt::format("'{}' is no path below '{}'", printable(path), printable(path_)));
}

UniqueFd PosixRoot::try_open(const std::string& path, int flags, mode_t mode,
                             LinkPolicy links) const {
  check_relative(path);
  return open_resolved(path, flags | O_CLOEXEC, mode, links);
}

UniqueFd PosixRoot::open(const std::string& path, int flags,
                         std::string_view what) const {
  UniqueFd fd = try_open(path, flags);
  if (!fd.valid()) throw_walk(errno, what, absolute(path));
  return fd;
}

UniqueFd PosixRoot::open_resolved(const std::string& path, int flags, mode_t mode,
                                  LinkPolicy links) const {
  const bool follow = links == LinkPolicy::kFollowInside;
  if (has_openat2_) {
    const std::uint64_t resolve = follow ? kBeneath : kBeneath | RESOLVE_NO_SYMLINKS;
    const char* name = path.empty() ? "." : path.c_str();
    return UniqueFd(call_openat2(fd_.get(), name, make_how(flags, mode, resolve)));
  }
  if (!follow) return open_walking(path, flags, mode);
  const auto direct = without_links(path);
  return direct ? open_walking(*direct, flags, mode) : UniqueFd();
}

UniqueFd PosixRoot::open_walking(const std::string& path, int flags, mode_t mode) const {
  std::vector<std::string> parts = components(path);
  const std::string leaf = parts.empty() ? "." : parts.back();
  if (!parts.empty()) parts.pop_back();
  UniqueFd directory;
  int current = fd_.get();
  for (const std::string& part : parts) {
    directory = open_component(current, part.c_str(), kDirectoryFlags, 0);
    if (!directory.valid()) return directory;
    current = directory.get();
  }
  return open_component(current, leaf.c_str(), flags, mode);
}

// The target when `path` is a symlink, nothing (and errno) otherwise.
std::optional<std::string> PosixRoot::link_target(const std::string& path) const {
  const UniqueFd link = open_walking(path, O_PATH | O_CLOEXEC, 0);
  if (!link.valid()) return std::nullopt;
  std::array<char, 4096> target{};
  const ssize_t n = readlinkat(link.get(), "", target.data(), target.size());
  if (n < 0) {
    errno = 0;  // ENOENT from readlinkat("") means: no link
    return std::nullopt;
  }
  return std::string(target.data(), static_cast<std::size_t>(n));
}

// `path` with its links resolved by hand, as RESOLVE_BENEATH would; nothing and errno
// when that fails. What is opened afterwards is walked again without following, so a race
// cannot escape.
std::optional<std::string> PosixRoot::without_links(const std::string& path) const {
  std::vector<std::string> done;
  std::vector<std::string> pending = components(path);
  std::reverse(pending.begin(), pending.end());
  int links = 0;
  while (!pending.empty()) {
    const std::string part = std::move(pending.back());
    pending.pop_back();
    if (part == ".." && done.empty()) {
      errno = EXDEV;
      return std::nullopt;
    }
    if (part == "..") {
      done.pop_back();
      continue;
    }
    done.push_back(part);
    const auto target = link_target(joined(done));
    if (!target && errno != 0) return std::nullopt;
    if (!target) continue;
    if (target->starts_with('/') || ++links > kMostLinks) {
      errno = target->starts_with('/') ? EXDEV : ELOOP;
      return std::nullopt;
    }
    done.pop_back();
    const std::vector<std::string> further = components(*target);
    pending.insert(pending.end(), further.rbegin(), further.rend());
  }
  return joined(done);
}

std::optional<Location> PosixRoot::find(const std::string& path,
                                        std::string_view what) const {
  check_relative(path);
  if (path.empty()) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format("cannot {} '{}': it is the root itself", what, printable(path_)));
  }
  Location location;
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) {
    location.parent = fd_.get();
    location.leaf = path.c_str();
    return location;
  }
  location.owned =
      open_resolved(path.substr(0, slash), kDirectoryFlags, 0, LinkPolicy::kRefuse);
  if (!location.owned.valid()) {
    if (is_absent(errno)) return std::nullopt;
    throw_walk(errno, what, absolute(path));
  }
  location.parent = location.owned.get();
  location.leaf = path.c_str() + slash + 1;
  return location;
}

Location PosixRoot::locate(const std::string& path, std::string_view what) const {
  auto location = find(path, what);
  if (!location) throw_io(ENOENT, what, absolute(path));
  return std::move(*location);
}

}  // namespace cloudsync::base

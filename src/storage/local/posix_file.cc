// SPDX-License-Identifier: Apache-2.0
#include "storage/local/posix_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <vector>

#include "base/posix_root.h"
#include "cloudsync/error.h"

namespace cloudsync::storage::local {
namespace {

// A key's component that no file can bear is this store's limit, not a fault of the disk.
ErrorCode code_of(int error) {
  return error == ENAMETOOLONG ? ErrorCode::kUnsupported : base::io_error_code(error);
}

// For kernels and sandboxes without openat2: one component at a time.
UniqueFd open_by_components(int dir, const std::string& path, int flags) {
  UniqueFd current;
  std::size_t begin = 0;
  while (true) {
    const std::size_t slash = path.find('/', begin);
    const std::string name = path.substr(begin, slash - begin);
    const int from = current ? current.get() : dir;
    if (slash == std::string::npos) {
      return UniqueFd(openat(from, name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC));
    }
    current = UniqueFd(
        openat(from, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!current) return UniqueFd();
    begin = slash + 1;
  }
}

void copy_by_hand(int from, std::uint64_t offset, std::uint64_t length, int to,
                  const std::string& where) {
  std::vector<std::byte> buffer(1 << 20);
  while (length != 0) {
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), length));
    const std::size_t n = read_some(from, offset, {buffer.data(), wanted}, where);
    if (n == 0) throw Error(ErrorCode::kDataCorrupt, "'" + where + "' became shorter");
    write_all(to, {buffer.data(), n}, where);
    offset += n;
    length -= n;
  }
}

}  // namespace

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

UniqueFd::~UniqueFd() {
  if (fd_ >= 0) ::close(fd_);
}

void throw_errno(const std::string& what, const std::string& path, int error) {
  const ErrorCode code = code_of(error);
  std::string message =
      "cannot " + what + " '" + path + "': " + std::generic_category().message(error);
  if (code == ErrorCode::kDiskFull) message += "; free space there and run again";
  throw Error(code, message);
}

UniqueFd open_beneath(int dir, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<__u64>(static_cast<unsigned>(flags | O_CLOEXEC));
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const long fd = syscall(SYS_openat2, dir, path.c_str(), &how, sizeof how);
  if (fd >= 0) return UniqueFd(static_cast<int>(fd));
  if (errno == ENOSYS || errno == EPERM) return open_by_components(dir, path, flags);
  return UniqueFd();
}

std::optional<base::FileStat> stat_at(int dir, const std::string& name,
                                      const std::string& where) {
  struct stat st{};
  if (fstatat(dir, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0)
    return base::to_file_stat(st);
  if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
  throw_errno("look at", where, errno);
}

base::FileStat stat_of(int fd, const std::string& where) {
  struct stat st{};
  if (fstat(fd, &st) != 0) throw_errno("look at", where, errno);
  return base::to_file_stat(st);
}

bool is_linked(int fd) {
  struct stat st{};
  return fstat(fd, &st) == 0 && st.st_nlink != 0;
}

void write_all(int fd, Bytes bytes, const std::string& where) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw_errno("write", where, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
}

void sync_file(int fd, const std::string& where) {
  if (fsync(fd) != 0) throw_errno("flush", where, errno);
}

std::size_t read_some(int fd, std::uint64_t offset, MutableBytes out,
                      const std::string& where) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t n = pread(fd, out.data() + done, out.size() - done,
                            static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw_errno("read", where, errno);
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

void append_range(int from, std::uint64_t offset, std::uint64_t length, int to,
                  const std::string& where) {
  auto in = static_cast<off_t>(offset);
  while (length != 0) {
    const ssize_t n =
        copy_file_range(from, &in, to, nullptr, static_cast<std::size_t>(length), 0);
    if (n < 0 && errno == EINTR) continue;
    // Some file systems refuse it and some answer 0 for files that they make up.
    if (n <= 0) {
      if (n < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO)) {
        throw_errno("copy", where, errno);
      }
      return copy_by_hand(from, static_cast<std::uint64_t>(in), length, to, where);
    }
    length -= static_cast<std::uint64_t>(n);
  }
}

std::optional<std::string> read_small_file(int dir, const std::string& path) {
  const UniqueFd fd = open_beneath(dir, path, O_RDONLY);
  if (!fd && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  if (!fd) throw_errno("open", path, errno);
  std::string text;
  std::array<std::byte, 4096> buffer;
  while (const std::size_t n = read_some(fd.get(), text.size(), buffer, path)) {
    text.append(reinterpret_cast<const char*>(buffer.data()), n);
    if (n < buffer.size()) break;
  }
  return text;
}

int rename_at(int from_dir, const std::string& from, int to_dir, const std::string& to,
              RenameFlag flag) {
  unsigned flags = 0;
  if (flag == RenameFlag::kNoReplace) flags = RENAME_NOREPLACE;
  if (flag == RenameFlag::kExchange) flags = RENAME_EXCHANGE;
  return renameat2(from_dir, from.c_str(), to_dir, to.c_str(), flags) == 0 ? 0 : errno;
}

int make_directories(int dir, const std::string& path) {
  UniqueFd current;
  std::size_t begin = 0;
  while (begin < path.size()) {
    std::size_t slash = path.find('/', begin);
    if (slash == std::string::npos) slash = path.size();
    const std::string name = path.substr(begin, slash - begin);
    const int from = current ? current.get() : dir;
    const bool made = mkdirat(from, name.c_str(), 0777) == 0;
    if (!made && errno != EEXIST) return errno;
    UniqueFd next(
        openat(from, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next) return errno;
    // The data's own directory is synced by whoever puts something in it; a new name
    // above it is not, and a lost directory would lose the data.
    if (made && fsync(from) != 0) return errno;
    current = std::move(next);
    begin = slash + 1;
  }
  return 0;
}

void remove_flat_directory(int dir, const std::string& path) {
  UniqueFd fd = open_beneath(dir, path, O_RDONLY | O_DIRECTORY);
  if (!fd) return;
  const int copy = fcntl(fd.get(), F_DUPFD_CLOEXEC, 0);
  DIR* stream = fdopendir(copy);
  if (!stream) throw_errno("list", path, errno);
  std::vector<std::string> names;
  while (const dirent* entry = readdir(stream)) names.emplace_back(entry->d_name);
  closedir(stream);
  for (const std::string& name : names) {
    if (name != "." && name != "..") unlinkat(fd.get(), name.c_str(), 0);
  }
  if (unlinkat(dir, path.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
    throw_errno("remove", path, errno);
  }
}

}  // namespace cloudsync::storage::local

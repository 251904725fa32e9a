// SPDX-License-Identifier: Apache-2.0
#include "storage/local/posix_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <map>
#include <mutex>
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

constexpr std::size_t kMostSmallBytes = 1 << 20;

// For kernels and sandboxes without openat2: one component at a time.
UniqueFd open_by_components(int dir, const std::string& path, int flags, unsigned mode) {
  UniqueFd current;
  std::size_t begin = 0;
  while (true) {
    const std::size_t slash = path.find('/', begin);
    const std::string name = path.substr(begin, slash - begin);
    const int from = current ? current.get() : dir;
    if (slash == std::string::npos) {
      return UniqueFd(openat(from, name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, mode));
    }
    current = UniqueFd(
        openat(from, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!current) return UniqueFd();
    begin = slash + 1;
  }
}

// The directory of the last component, and that component.
struct Place {
  UniqueFd parent;
  int dir;
  std::string name;
  bool found() const { return dir >= 0; }
};

Place place_of(int dir, const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return {UniqueFd(), dir, path};
  UniqueFd parent = open_beneath(dir, path.substr(0, slash), O_PATH | O_DIRECTORY);
  const int fd = parent.get();
  return {std::move(parent), fd, path.substr(slash + 1)};
}

bool lacks_links(int error) {
  return error == EPERM || error == EOPNOTSUPP || error == ENOSYS || error == EMLINK;
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

// File systems that make up inode numbers as they go: another one after each mount, or
// for each look, and with it change times that say nothing.
bool makes_up_inodes(int fd) {
  constexpr std::uint32_t kFuse = 0x65735546;
  constexpr std::uint32_t kExfat = 0x2011BAB0;
  constexpr std::uint32_t kMsdos = 0x4d44;
  constexpr std::uint32_t kSmb = 0x517B;
  constexpr std::uint32_t kCifs = 0xFF534D42;
  constexpr std::uint32_t kSmb2 = 0xFE534D42;
  struct statfs fs{};
  if (fstatfs(fd, &fs) != 0) return false;
  const auto type = static_cast<std::uint32_t>(fs.f_type);
  return type == kFuse || type == kExfat || type == kMsdos || type == kSmb ||
         type == kCifs || type == kSmb2;
}

// `fd` lies on the file system of `st`.
base::FileStat lasting(const struct stat& st, int fd) {
  static std::mutex mutex;
  static std::map<std::uint64_t, bool> known;
  base::FileStat stat = base::to_file_stat(st);
  const std::lock_guard lock(mutex);
  auto found = known.find(stat.dev);
  if (found == known.end()) found = known.emplace(stat.dev, makes_up_inodes(fd)).first;
  if (found->second) stat.ino = 0;
  if (found->second) stat.ctime_ns = 0;
  return stat;
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

UniqueFd open_beneath(int dir, const std::string& path, int flags, unsigned mode) {
  open_how how{};
  how.flags = static_cast<__u64>(static_cast<unsigned>(flags | O_CLOEXEC));
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const long fd = syscall(SYS_openat2, dir, path.c_str(), &how, sizeof how);
  if (fd >= 0) return UniqueFd(static_cast<int>(fd));
  if (errno == ENOSYS || errno == EPERM)
    return open_by_components(dir, path, flags, mode);
  return UniqueFd();
}

UniqueFd open_regular(int dir, const std::string& path) {
  UniqueFd fd = open_beneath(dir, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  struct stat st{};
  if (!fd || (fstat(fd.get(), &st) == 0 && S_ISREG(st.st_mode))) return fd;
  errno = EINVAL;
  return UniqueFd();
}

std::optional<base::FileStat> stat_beneath(int dir, const std::string& path) {
  const Place place = place_of(dir, path);
  if (place.found()) return stat_at(place.dir, place.name, path);
  if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
  throw_errno("look at", path, errno);
}

int unlink_beneath(int dir, const std::string& path, int flags) {
  const Place place = place_of(dir, path);
  if (!place.found()) return errno;
  return unlinkat(place.dir, place.name.c_str(), flags) == 0 ? 0 : errno;
}

std::optional<base::FileStat> stat_at(int dir, const std::string& name,
                                      const std::string& where) {
  struct stat st{};
  if (fstatat(dir, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0) return lasting(st, dir);
  if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
  throw_errno("look at", where, errno);
}

base::FileStat stat_of(int fd, const std::string& where) {
  struct stat st{};
  if (fstat(fd, &st) != 0) throw_errno("look at", where, errno);
  return lasting(st, fd);
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
  const UniqueFd fd = open_regular(dir, path);
  if (!fd) return std::nullopt;
  std::string text;
  std::array<char, 4096> buffer;
  while (true) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 || text.size() > kMostSmallBytes) return std::nullopt;
    if (n == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

int link_at(int from_dir, const std::string& from, int to_dir, const std::string& to) {
  const Place source = place_of(from_dir, from);
  if (!source.found()) return errno;
  const Place target = place_of(to_dir, to);
  if (!target.found()) return errno;
  return linkat(source.dir, source.name.c_str(), target.dir, target.name.c_str(), 0) == 0
             ? 0
             : errno;
}

// Who opens a file under lease for writing makes the kernel send its holder SIGIO, which
// ends a process that does not expect it. It goes to this thread, which takes it away.
class LeaseSignal {
 public:
  explicit LeaseSignal(int fd) {
    sigemptyset(&signal_);
    sigaddset(&signal_, SIGIO);
    pthread_sigmask(SIG_BLOCK, &signal_, &before_);
    const f_owner_ex owner{F_OWNER_TID, gettid()};
    fcntl(fd, F_SETOWN_EX, &owner);
  }
  ~LeaseSignal() {
    const timespec now{};
    if (sigismember(&before_, SIGIO) == 0) sigtimedwait(&signal_, nullptr, &now);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  LeaseSignal(const LeaseSignal&) = delete;
  LeaseSignal& operator=(const LeaseSignal&) = delete;

 private:
  sigset_t signal_{};
  sigset_t before_{};
};

bool is_written_to(int dir, const std::string& path) {
  const UniqueFd fd = open_regular(dir, path);
  if (!fd) return false;
  const LeaseSignal quiet(fd.get());
  if (fcntl(fd.get(), F_SETLEASE, F_RDLCK) != 0) return errno == EAGAIN;
  fcntl(fd.get(), F_SETLEASE, F_UNLCK);
  return false;
}

int rename_at(int from_dir, const std::string& from, int to_dir, const std::string& to,
              RenameFlag flag) {
  unsigned flags = 0;
  if (flag == RenameFlag::kNoReplace) flags = RENAME_NOREPLACE;
  if (flag == RenameFlag::kExchange) flags = RENAME_EXCHANGE;
  const Place source = place_of(from_dir, from);
  if (!source.found()) return errno;
  const Place target = place_of(to_dir, to);
  if (!target.found()) return errno;
  return renameat2(source.dir, source.name.c_str(), target.dir, target.name.c_str(),
                   flags) == 0
             ? 0
             : errno;
}

bool lacks_rename_flag(int error) {
  return error == EINVAL || error == ENOSYS || error == EOPNOTSUPP;
}

int move_to_free_name(int from_dir, const std::string& from, int to_dir,
                      const std::string& to) {
  const int error = rename_at(from_dir, from, to_dir, to, RenameFlag::kNoReplace);
  if (!lacks_rename_flag(error)) return error;
  const int linked = link_at(from_dir, from, to_dir, to);
  if (linked != 0) return lacks_links(linked) ? EOPNOTSUPP : linked;
  unlink_beneath(from_dir, from);
  return 0;
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

std::vector<std::string> names_in(int dir, const std::string& path) {
  std::vector<std::string> names;
  const UniqueFd fd = open_beneath(dir, path, O_RDONLY | O_DIRECTORY);
  const int copy = fd ? fcntl(fd.get(), F_DUPFD_CLOEXEC, 0) : -1;
  DIR* stream = copy < 0 ? nullptr : fdopendir(copy);
  if (!stream) return names;
  while (const dirent* entry = readdir(stream)) names.emplace_back(entry->d_name);
  closedir(stream);
  std::sort(names.begin(), names.end());
  return names;
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
  const int error = unlink_beneath(dir, path, AT_REMOVEDIR);
  if (error != 0 && error != ENOENT) throw_errno("remove", path, error);
}

}  // namespace cloudsync::storage::local

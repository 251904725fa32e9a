// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/statvfs.h>

#include <array>
#include <system_error>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/file_system.h"
#include "base/posix_attributes.h"
#include "base/posix_copy.h"
#include "base/posix_directory.h"
#include "base/posix_files.h"
#include "base/posix_mount.h"
#include "base/posix_rename.h"
#include "base/posix_root.h"
#include "cloudsync/error.h"

namespace cloudsync::base {
namespace {

constexpr int kNewFile = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW;
// O_NONBLOCK: opening a FIFO must not wait for its other end.
constexpr int kExistingFile = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

[[noreturn]] void throw_create(int error, std::string_view what,
                               const std::string& path) {
  if (error != EEXIST) throw_walk(error, what, path);
  throw Error(ErrorCode::kAlreadyExists,
              fmt::format("cannot {} '{}': the name is taken", what, printable(path)));
}

// Makes one level and opens it; an existing directory is as good.
UniqueFd enter_or_make(int parent, const std::string& name, mode_t mode,
                       const std::string& message_path) {
  if (mkdirat(parent, name.c_str(), mode) != 0 && errno != EEXIST) {
    throw_io(errno, "make the directory", message_path);
  }
  UniqueFd fd = open_component(parent, name.c_str(), O_PATH | O_DIRECTORY, 0);
  if (!fd.valid()) throw_walk(errno, "make the directory", message_path);
  return fd;
}

class PosixFileSystem final : public FileSystem {
 public:
  explicit PosixFileSystem(std::shared_ptr<const PosixRoot> root)
      : root_(std::move(root)) {}

  const std::string& root_path() const override { return root_->path(); }

  FileStat root_stat() override { return stat_descriptor(root_->fd(), root_->path()); }

  bool root_is_current() override {
    return is_named(root_->fd(), root_->path());
  }

  bool keeps_numbers() override { return base::keeps_numbers(root_->fd()); }

  bool folds_case(const std::string& directory) override {
    const UniqueFd fd = root_->try_open(directory, O_RDONLY | O_DIRECTORY);
    return fd.valid() && has_casefold_flag(fd.get());
  }

  std::unique_ptr<Directory> open_directory(const std::string& path) override {
    return open_posix_directory(root_, path);
  }

  std::optional<FileStat> stat(const std::string& path) override {
    if (path.empty()) return root_stat();
    const auto location = root_->find(path, "stat");
    if (!location) return std::nullopt;
    struct stat status{};
    if (fstatat(location->parent, location->leaf, &status, AT_SYMLINK_NOFOLLOW) == 0) {
      return to_file_stat(status);
    }
    if (is_absent(errno)) return std::nullopt;
    throw_io(errno, "stat", root_->absolute(path));
  }

  std::unique_ptr<ReadableFile> open_read(const std::string& path, bool follow) override {
    const int flags = O_RDONLY | (follow ? kExistingFile & ~O_NOFOLLOW : kExistingFile);
    const LinkPolicy links = follow ? LinkPolicy::kFollowInside : LinkPolicy::kRefuse;
    UniqueFd fd = root_->try_open(path, flags, 0, links);
    if (!fd.valid()) throw_open(errno, path, follow);
    return make_readable(std::move(fd), root_->absolute(path));
  }

  std::unique_ptr<WritableFile> create(const std::string& path,
                                       std::uint32_t mode) override {
    UniqueFd fd = root_->try_open(path, kNewFile, mode & 07777);
    if (!fd.valid()) throw_create(errno, "create", root_->absolute(path));
    return make_writable(std::move(fd), root_->absolute(path));
  }

  std::unique_ptr<WritableFile> open_write(const std::string& path) override {
    UniqueFd fd = root_->open(path, O_RDWR | kExistingFile, "open");
    return make_writable(std::move(fd), root_->absolute(path));
  }

  std::string read_link(const std::string& path) override {
    const Location location = root_->locate(path, "read the symlink");
    std::array<char, 4096> target{};  // PATH_MAX: the kernel makes no longer ones
    const ssize_t n =
        readlinkat(location.parent, location.leaf, target.data(), target.size());
    if (n < 0) throw_io(errno, "read the symlink", root_->absolute(path));
    return std::string(target.data(), static_cast<std::size_t>(n));
  }

  void make_symlink(const std::string& target, const std::string& path) override {
    const Location location = root_->locate(path, "make the symlink");
    if (symlinkat(target.c_str(), location.parent, location.leaf) == 0) return;
    throw_create(errno, "make the symlink", root_->absolute(path));
  }

  void make_directories(const std::string& path, std::uint32_t mode) override {
    if (root_->try_open(path, O_PATH | O_DIRECTORY).valid()) return;
    UniqueFd directory;
    int current = root_->fd();
    for (std::size_t begin = 0; begin < path.size();) {
      const std::size_t end = std::min(path.find('/', begin), path.size());
      directory = enter_or_make(current, path.substr(begin, end - begin), mode,
                                root_->absolute(path.substr(0, end)));
      current = directory.get();
      begin = end + 1;
    }
  }

  RenameOutcome rename_new(const std::string& from, const std::string& to) override {
    return rename_new_in(*root_, from, to);
  }

  RenameOutcome rename_away(const std::string& from, const std::string& to) override {
    return rename_away_in(*root_, from, to);
  }

  RenameOutcome exchange(const std::string& a, const std::string& b) override {
    return exchange_in(*root_, a, b);
  }

  void rename_over(const std::string& from, const std::string& to) override {
    rename_over_in(*root_, from, to);
  }

  RenameOutcome link(const std::string& from, const std::string& to) override {
    return link_in(*root_, from, to);
  }

  bool remove_file(const std::string& path) override {
    const auto location = root_->find(path, "remove");
    if (!location) return false;
    if (unlinkat(location->parent, location->leaf, 0) == 0) return true;
    if (is_absent(errno)) return false;
    throw_io(errno, "remove", root_->absolute(path));
  }

  bool remove_directory(const std::string& path) override {
    const auto location = root_->find(path, "remove the directory");
    if (!location) return false;
    if (unlinkat(location->parent, location->leaf, AT_REMOVEDIR) == 0) return true;
    if (is_absent(errno) || errno == ENOTEMPTY || errno == EEXIST) return false;
    throw_io(errno, "remove the directory", root_->absolute(path));
  }

  void copy_attributes(const std::string& from, const std::string& to) override {
    copy_attributes_in(*root_, from, to);
  }

  void set_mode(const std::string& path, std::uint32_t mode) override {
    const Location location = root_->locate(path, "set the mode of");
    if (fchmodat(location.parent, location.leaf, mode & 07777, AT_SYMLINK_NOFOLLOW) ==
            0 ||
        keeps_no_such_attribute(errno)) {
      return;
    }
    throw_io(errno, "set the mode of", root_->absolute(path));
  }

  void copy_file(const std::string& from, const std::string& to) override {
    if (!copy_file_in(*root_, from, to)) FileSystem::copy_file(from, to);
  }

  std::shared_ptr<const void> pin(const std::string& path) override {
    return std::make_shared<const UniqueFd>(root_->try_open(path, O_PATH | O_NOFOLLOW));
  }

  std::string mount_top(const std::string& path) override {
    return mount_top_in(*root_, path);
  }

  void sync_directory(const std::string& path) override {
    const UniqueFd fd = root_->open(path, O_RDONLY | O_DIRECTORY, "open the directory");
    if (retry_interrupted([&] { return fsync(fd.get()); }) == 0) return;
    // Some file systems have no fsync for directories; they order names by themselves.
    if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
      throw_io(errno, "write to disk the directory", root_->absolute(path));
  }

  void sync_all() override {
    if (retry_interrupted([&] { return syncfs(root_->fd()); }) != 0) {
      throw_io(errno, "write to disk the file system of", root_->path());
    }
  }

  std::uint64_t free_bytes() override {
    struct statvfs status{};
    if (fstatvfs(root_->fd(), &status) != 0) {
      throw_io(errno, "stat the file system of", root_->path());
    }
    return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
  }

  std::uint64_t total_bytes(const std::string& path) override {
    const UniqueFd fd = root_->try_open(path, O_RDONLY | O_DIRECTORY);
    struct statvfs status{};
    if (fstatvfs(path.empty() ? root_->fd() : fd.get(), &status) != 0) return 0;
    return static_cast<std::uint64_t>(status.f_blocks) * status.f_frsize;
  }

 private:
  [[noreturn]] void throw_open(int error, const std::string& path, bool follow) const {
    if (!follow || error != EXDEV) throw_walk(error, "open", root_->absolute(path));
    throw Error(ErrorCode::kLocalIo,
                fmt::format("cannot open '{}': the symlink leaves '{}'",
                            printable(root_->absolute(path)), printable(root_->path())));
  }

  std::shared_ptr<const PosixRoot> root_;
};

std::string working_directory() {
  std::array<char, 4096> buffer{};
  if (getcwd(buffer.data(), buffer.size()) != nullptr) return buffer.data();
  throw_io(errno, "find the working directory for", ".");
}

// Absolute, without "." and doubled slashes. ".." stays: the kernel resolves it after
// symlinks.
std::string absolute_path(const std::string& path) {
  std::string_view rest = path;
  std::string result = path.starts_with('/') ? "" : working_directory();
  if (result == "/") result.clear();
  while (!rest.empty()) {
    const std::size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    if (!part.empty() && part != ".") result.append("/").append(part);
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
  }
  return result.empty() ? "/" : result;
}

[[noreturn]] void throw_root(int error, const std::string& path) {
  if (error == ENOENT) {
    throw Error(ErrorCode::kNotFound,
                fmt::format("the directory '{}' does not exist", printable(path)));
  }
  if (error == ENOTDIR) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is not a directory", printable(path)));
  }
  throw_io(error, "open the directory", path);
}

std::unique_ptr<FileSystem> open_root(const std::string& path, Resolver resolver) {
  if (path.empty() || path.find('\0') != std::string::npos) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is no path of a directory", printable(path)));
  }
  std::string absolute = absolute_path(path);
  UniqueFd fd(retry_interrupted(
      [&] { return ::open(absolute.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (!fd.valid()) throw_root(errno, absolute);
  look_for_made_up_numbers(fd.get());
  return std::make_unique<PosixFileSystem>(
      std::make_shared<const PosixRoot>(std::move(fd), std::move(absolute), resolver));
}

}  // namespace

std::unique_ptr<FileSystem> open_posix_file_system(const std::string& path) {
  return open_root(path, Resolver::kDetect);
}

std::unique_ptr<FileSystem> open_posix_file_system_walking(const std::string& path) {
  return open_root(path, Resolver::kWalkOnly);
}

}  // namespace cloudsync::base

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/file_system.h"
#include "cloudsync/error.h"

namespace cloudsync::base {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~UniqueFd() { reset(-1); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }

 private:
  void reset(int fd) {
    if (fd_ >= 0) {
      const int saved =
          errno;  // callers look at errno after a failed open went out of scope
      close(fd_);
      errno = saved;
    }
    fd_ = fd;
  }
  int fd_ = -1;
};

// Repeats a system call that a signal interrupted.
template <class Call>
auto retry_interrupted(Call&& call) -> decltype(call()) {
  while (true) {
    const auto result = call();
    if (result != -1 || errno != EINTR) return result;
  }
}

// Full disks and missing rights have codes of their own; the rest is kLocalIo.
ErrorCode io_error_code(int error);
// Throws "cannot <what> '<path>': <reason>" with the code that the errno calls for.
[[noreturn]] void throw_io(int error, std::string_view what,
                           const std::string& absolute_path);
// The same after a walk to a path, where ELOOP and EXDEV mean a symlink in the way.
[[noreturn]] void throw_walk(int error, std::string_view what,
                             const std::string& absolute_path);

// The file system has no place for what was to be set (modes, owners, times), or none for
// this value.
bool keeps_no_such_attribute(int error);
bool is_absent(int error);  // ENOENT, or ENOTDIR: a parent that is a file holds no names
FileStat to_file_stat(const struct stat& status);
FileStat stat_descriptor(int fd, const std::string& absolute_path);

// One component below an open directory, never through a symlink (then errno is ELOOP).
UniqueFd open_component(int dir, const char* name, int flags, mode_t mode);

enum class LinkPolicy { kRefuse, kFollowInside };
enum class Resolver { kDetect, kWalkOnly };  // kWalkOnly: as on a kernel without openat2

// A directory of the tree with the last component of a path in it.
struct Location {
  UniqueFd owned;
  int parent = -1;
  const char* leaf = nullptr;  // points into the path that was located
};

// The pinned root directory and the only way from it to anything below. Immutable,
// thread-safe.
class PosixRoot {
 public:
  PosixRoot(UniqueFd fd, std::string path, Resolver resolver);

  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }
  std::string absolute(const std::string& path) const;

  // Opens `path` without leaving the root; an invalid descriptor and errno on failure.
  // Throws Error{kInvalidArgument} for what is no relative path ("..", "//", NUL).
  UniqueFd try_open(const std::string& path, int flags, mode_t mode = 0,
                    LinkPolicy links = LinkPolicy::kRefuse) const;
  UniqueFd open(const std::string& path, int flags, std::string_view what) const;

  // The parent of `path`, opened; nothing when it does not exist. `path` must outlive the
  // result.
  std::optional<Location> find(const std::string& path, std::string_view what) const;
  Location locate(const std::string& path, std::string_view what) const;

 private:
  UniqueFd open_resolved(const std::string& path, int flags, mode_t mode,
                         LinkPolicy links) const;
  UniqueFd open_walking(const std::string& path, int flags, mode_t mode) const;
  std::optional<std::string> without_links(const std::string& path) const;
  std::optional<std::string> link_target(const std::string& path) const;
  void check_relative(const std::string& path) const;

  UniqueFd fd_;
  std::string path_;
  bool has_openat2_;
};

// For tests: the file system as it works on a kernel without openat2.
std::unique_ptr<FileSystem> open_posix_file_system_walking(const std::string& path);

}  // namespace cloudsync::base

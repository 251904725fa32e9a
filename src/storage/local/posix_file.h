// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "cloudsync/types.h"

namespace cloudsync::storage::local {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept;
  ~UniqueFd();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// Throws kDiskFull, kPermissionDenied, kUnsupported (name too long) or kLocalIo:
// "cannot <what> '<path>': <the system's words>".
[[noreturn]] void throw_errno(const std::string& what, const std::string& path,
                              int error);

// openat that stays below `dir` and follows no symbolic link in any component. -1 and
// errno. Whatever takes a path below does the same.
UniqueFd open_beneath(int dir, const std::string& path, int flags, unsigned mode = 0);
// A regular file and nothing else; never waits for the other end of a FIFO. -1 and errno:
// EINVAL for what is no regular file.
UniqueFd open_regular(int dir, const std::string& path);
std::optional<base::FileStat> stat_beneath(int dir, const std::string& path);
int unlink_beneath(int dir, const std::string& path, int flags = 0);  // 0 or errno
// lstat of one name in `dir`; nothing when it is gone. Here and below: inode and change
// time are 0 where the file system makes them up (FUSE, exFAT, CIFS), so that nothing is
// built on them.
std::optional<base::FileStat> stat_at(int dir, const std::string& name,
                                      const std::string& where);
base::FileStat stat_of(int fd, const std::string& where);
// False when the file has no name any more.
bool is_linked(int fd);

void write_all(int fd, Bytes bytes, const std::string& where);
void sync_file(int fd, const std::string& where);
// Fewer bytes only at the end of the file.
std::size_t read_some(int fd, std::uint64_t offset, MutableBytes out,
                      const std::string& where);
// Appends a range of one file to another at its current position; shares blocks where the
// file system can.
void append_range(int from, std::uint64_t offset, std::uint64_t length, int to,
                  const std::string& where);
// The whole of a file of ours; nothing when it is absent, unreadable, no regular file or
// too large to be ours.
std::optional<std::string> read_small_file(int dir, const std::string& path);

enum class RenameFlag { kReplace, kNoReplace, kExchange };
// 0 or errno.
int rename_at(int from_dir, const std::string& from, int to_dir, const std::string& to,
              RenameFlag flag);

// What file systems without these flags answer (FUSE, some network ones).
bool lacks_rename_flag(int error);
int link_at(int from_dir, const std::string& from, int to_dir, const std::string& to);
// Somebody has the file open and may still write: its last bytes are not there yet. False
// where it cannot be told (network file systems, another owner's file).
bool is_written_to(int dir, const std::string& path);
// Moves a file to a name that must be free: by RENAME_NOREPLACE, else by a hard link. 0
// or errno; EEXIST when the name is taken, EOPNOTSUPP when the file system has neither.
int move_to_free_name(int from_dir, const std::string& from, int to_dir,
                      const std::string& to);

// Makes missing directories of `path` below `dir`; each new name is made durable. 0 or
// errno.
int make_directories(int dir, const std::string& path);
// Sorted, "." and ".." among them; nothing for what is no directory.
std::vector<std::string> names_in(int dir, const std::string& path);
// Empties and removes a directory of files.
void remove_flat_directory(int dir, const std::string& path);

}  // namespace cloudsync::storage::local

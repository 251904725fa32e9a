// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cloudsync/types.h"

namespace cloudsync::base {

enum class FileKind : std::uint8_t { kRegular = 0, kDirectory = 1, kSymlink = 2, kSpecial = 3 };

struct FileStat {
  FileKind kind = FileKind::kRegular;
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0;  // since the epoch; negative before 1970
  std::int64_t ctime_ns = 0;
  std::uint64_t ino = 0;
  std::uint64_t dev = 0;
  std::uint32_t mode = 0;  // permission bits only

  // Same file, same content as far as stat can tell: kind, size, mtime, ctime, dev, ino.
  bool same_version(const FileStat& other) const {
    return kind == other.kind && size == other.size && mtime_ns == other.mtime_ns &&
           ctime_ns == other.ctime_ns && dev == other.dev && ino == other.ino;
  }
};

struct DirEntry {
  std::string name;
  FileKind kind = FileKind::kRegular;
};

// An open directory: its names once, and stat of single names relative to the pinned descriptor.
class Directory {
 public:
  virtual ~Directory() = default;
  // Every entry but "." and "..", unsorted. Throws Error{kLocalIo} on any read error: a partial
  // listing is never returned, since a missing name would read as a deletion.
  virtual std::vector<DirEntry> entries() = 0;
  // lstat; nothing when the name is gone. Throws Error{kLocalIo} otherwise.
  virtual std::optional<FileStat> stat(const std::string& name) = 0;
  // stat through a symlink that stays inside the root; nothing when it dangles or leaves the root
  // (an absolute target counts as leaving).
  virtual std::optional<FileStat> stat_following(const std::string& name) = 0;
};

class ReadableFile {
 public:
  virtual ~ReadableFile() = default;
  virtual FileStat stat() const = 0;
  // Reads at `offset`, fewer bytes only at the end of the file. Thread-safe.
  virtual std::size_t read_at(std::uint64_t offset, MutableBytes out) const = 0;
};

class WritableFile {
 public:
  virtual ~WritableFile() = default;
  virtual FileStat stat() const = 0;
  virtual void write_at(std::uint64_t offset, Bytes bytes) = 0;  // thread-safe
  virtual std::size_t read_at(std::uint64_t offset, MutableBytes out) const = 0;
  // Reserves space, so that a full disk shows before the transfer; sets the length.
  virtual void allocate(std::uint64_t size) = 0;
  virtual void set_mtime(std::int64_t mtime_ns) = 0;
  virtual void sync() = 0;  // fsync; an error is final for this file
};

enum class RenameOutcome { kDone, kTargetExists, kSourceMissing, kUnsupported };

// One directory tree, pinned by descriptor when opened. Paths are bytes relative to that root with
// '/' between components; "" is the root itself. No call ever follows a symlink in any component
// (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS) unless its name says so, so no key can leave the root.
// Thread-safe. Failures throw Error{kLocalIo | kDiskFull | kPermissionDenied} naming the path; what
// is no such path ("..", "a//b", a NUL) throws Error{kInvalidArgument}. A name below a file does not
// exist; a name below a symlink is an error, since what it means is not ours to say.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  virtual const std::string& root_path() const = 0;  // absolute, for messages
  virtual FileStat root_stat() = 0;                   // of the pinned descriptor
  // False when the root's path no longer names the pinned directory (unmounted, replaced).
  virtual bool root_is_current() = 0;

  virtual std::unique_ptr<Directory> open_directory(const std::string& path) = 0;
  virtual std::optional<FileStat> stat(const std::string& path) = 0;  // lstat
  // O_NOFOLLOW | O_NONBLOCK, regular files only; `follow` allows a link that stays inside the root.
  virtual std::unique_ptr<ReadableFile> open_read(const std::string& path, bool follow = false) = 0;
  // A name that is taken throws Error{kAlreadyExists}, here and in make_symlink().
  virtual std::unique_ptr<WritableFile> create(const std::string& path, std::uint32_t mode) = 0;
  virtual std::unique_ptr<WritableFile> open_write(const std::string& path) = 0;
  virtual std::string read_link(const std::string& path) = 0;
  virtual void make_symlink(const std::string& target, const std::string& path) = 0;

  // Creates missing parents of `path` too; an existing directory is fine.
  virtual void make_directories(const std::string& path, std::uint32_t mode = 0777) = 0;
  // RENAME_NOREPLACE (link + unlink where the file system lacks it).
  virtual RenameOutcome rename_new(const std::string& from, const std::string& to) = 0;
  // RENAME_EXCHANGE; kUnsupported where the file system lacks it, kSourceMissing when either name
  // is gone.
  virtual RenameOutcome exchange(const std::string& a, const std::string& b) = 0;
  // Plain atomic replace; only for files that belong to cloudsync itself.
  virtual void rename_over(const std::string& from, const std::string& to) = 0;
  virtual RenameOutcome link(const std::string& from, const std::string& to) = 0;
  virtual bool remove_file(const std::string& path) = 0;       // false when absent
  virtual bool remove_directory(const std::string& path) = 0;  // false when absent or not empty
  // Mode, owner where permitted, xattrs; from one file to another, best effort: nothing happens
  // when `from` is gone.
  virtual void copy_attributes(const std::string& from, const std::string& to) = 0;
  virtual void set_mode(const std::string& path, std::uint32_t mode) = 0;

  virtual void sync_directory(const std::string& path) = 0;  // fsync of the directory
  virtual void sync_all() = 0;                               // syncfs
  virtual std::uint64_t free_bytes() = 0;
};

// Opens `path` (absolute or relative to the working directory) as a root.
// Throws Error{kNotFound} when it does not exist and Error{kInvalidArgument} when it is no directory.
std::unique_ptr<FileSystem> open_posix_file_system(const std::string& path);

}  // namespace cloudsync::base

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
  std::uint32_t mode = 0;   // permission bits only
  std::uint64_t nlink = 1;  // more than one: other names share the content

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

enum class RenameOutcome { kDone, kTargetExists, kSourceMissing, kUnsupported, kOtherMount };

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
  // False where nobody promises that inode numbers and ctimes stay over unmounting (FUSE, exFAT,
  // CIFS). Numbers that do not even stay between two looks are reported as 0.
  virtual bool keeps_numbers() { return true; }
  // The directory is known to take names that differ by case only for the same.
  virtual bool folds_case(const std::string&) { return false; }

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
  // For a file of ours: RENAME_NOREPLACE; where the file system lacks it link + unlink, and where
  // it has no links either, a rename over an empty file that took the name. kOtherMount when the
  // two names are on different mounts, here and below.
  virtual RenameOutcome rename_new(const std::string& from, const std::string& to) = 0;
  // For a file that other programs may replace at any time, to a free name that only we use: moves
  // whatever has the name at that instant and never unlinks anything.
  virtual RenameOutcome rename_away(const std::string& from, const std::string& to) {
    return rename_new(from, to);
  }
  // RENAME_EXCHANGE; kUnsupported where the file system lacks it, kSourceMissing when either name
  // is gone.
  virtual RenameOutcome exchange(const std::string& a, const std::string& b) = 0;
  // Plain atomic replace; only for files that belong to cloudsync itself.
  virtual void rename_over(const std::string& from, const std::string& to) = 0;
  virtual RenameOutcome link(const std::string& from, const std::string& to) = 0;
  virtual bool remove_file(const std::string& path) = 0;       // false when absent
  virtual bool remove_directory(const std::string& path) = 0;  // false when absent or not empty
  // Mode without set-id and sticky bits, owner where permitted, xattrs but file capabilities and
  // signatures; from one file to another, best effort: nothing happens when `from` is gone.
  virtual void copy_attributes(const std::string& from, const std::string& to) = 0;
  // Does nothing where the file system keeps no modes.
  virtual void set_mode(const std::string& path, std::uint32_t mode) = 0;
  // Copies a regular file of this root to a new name, sharing its blocks where the file system can
  // do that, and flushes the copy, which has the mtime of the original and mode 0600.
  virtual void copy_file(const std::string& from, const std::string& to);
  // While the result lives, the file system cannot forget what `path` names now, so that its
  // inode number stays the same across a rename even where such numbers are made up.
  virtual std::shared_ptr<const void> pin(const std::string&) { return nullptr; }
  // The shallowest folder above `path` on the same mount as the folder that holds it; "" = the
  // root's own.
  virtual std::string mount_top(const std::string&) { return ""; }

  virtual void sync_directory(const std::string& path) = 0;  // fsync of the directory
  virtual void sync_all() = 0;                               // syncfs
  virtual std::uint64_t free_bytes() = 0;
  // Size of the file system that holds the folder; 0 = unknown.
  virtual std::uint64_t total_bytes(const std::string&) { return 0; }
};

// Opens `path` (absolute or relative to the working directory) as a root.
// Throws Error{kNotFound} when it does not exist and Error{kInvalidArgument} when it is no directory.
std::unique_ptr<FileSystem> open_posix_file_system(const std::string& path);

}  // namespace cloudsync::base

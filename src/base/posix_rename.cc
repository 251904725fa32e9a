// SPDX-License-Identifier: Apache-2.0
#include "base/posix_rename.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/syscall.h>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/posix_mount.h"

namespace cloudsync::base {
namespace {

// Both names with their parents open. A missing parent of the source is a missing source.
struct Pair {
  std::optional<Location> from;
  Location to;
};

Pair locate_pair(const PosixRoot& root, const std::string& from, const std::string& to,
                 std::string_view what) {
  return {root.find(from, what), root.locate(to, what)};
}

[[noreturn]] void throw_pair(int error, std::string_view what, const std::string& from,
                             const std::string& to) {
  throw_io(error, fmt::format("{} '{}' to", what, printable(from)), to);
}

constexpr mode_t kPlaceholderMode = 0600;

bool exists(const Location& location) {
  struct stat status{};
  return fstatat(location.parent, location.leaf, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

// The file that was made to take the name still has it, and nobody has written into it.
bool is_still_placeholder(const Location& location, int fd) {
  struct stat named{};
  struct stat made{};
  return fstatat(location.parent, location.leaf, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         fstat(fd, &made) == 0 && is_same_file(named, made) && made.st_size == 0;
}

int rename_with(const Location& from, const Location& to, unsigned flags) {
  const long result = retry_interrupted([&] {
    return syscall(SYS_renameat2, from.parent, from.leaf, to.parent, to.leaf, flags);
  });
  return result == 0 ? 0 : errno;
}

int link_names(const Location& from, const Location& to) {
  return linkat(from.parent, from.leaf, to.parent, to.leaf, 0) == 0 ? 0 : errno;
}

bool lacks_flag(int error) {
  return error == ENOSYS || error == EINVAL || error == EOPNOTSUPP;
}

// EPERM covers both "no hard links here" and "not of this inode" (directories,
// append-only).
bool lacks_links(int error) {
  return error == EPERM || error == EOPNOTSUPP || error == ENOSYS || error == EMLINK;
}

RenameOutcome link_outcome(const PosixRoot& root, const std::string& from,
                           const std::string& to, int error) {
  if (error == 0) return RenameOutcome::kDone;
  if (error == EEXIST) return RenameOutcome::kTargetExists;
  if (error == ENOENT) return RenameOutcome::kSourceMissing;
  if (error == EXDEV) return RenameOutcome::kOtherMount;
  if (lacks_links(error)) return RenameOutcome::kUnsupported;
  throw_pair(error, "link", root.absolute(from), root.absolute(to));
}

}  // namespace

RenameOutcome link_in(const PosixRoot& root, const std::string& from,
                      const std::string& to) {
  const Pair pair = locate_pair(root, from, to, "link");
  if (!pair.from) return RenameOutcome::kSourceMissing;
  return link_outcome(root, from, to, link_names(*pair.from, pair.to));
}

RenameOutcome rename_new_by_link(const PosixRoot& root, const std::string& from,
                                 const std::string& to) {
  const Pair pair = locate_pair(root, from, to, "rename");
  if (!pair.from) return RenameOutcome::kSourceMissing;
  const int error = link_names(*pair.from, pair.to);
  if (lacks_links(error)) return rename_new_by_placeholder(root, from, to);
  const RenameOutcome linked = link_outcome(root, from, to, error);
  if (linked != RenameOutcome::kDone) return linked;
  // When the old name cannot go, both stay: taking the new one back could hit a file that
  // somebody put there meanwhile.
  if (unlinkat(pair.from->parent, pair.from->leaf, 0) != 0 && errno != ENOENT) {
    throw_io(errno, "remove", root.absolute(from));
  }
  return RenameOutcome::kDone;
}

RenameOutcome rename_new_by_placeholder(const PosixRoot& root, const std::string& from,
                                        const std::string& to) {
  const Pair pair = locate_pair(root, from, to, "rename");
  struct stat source{};
  if (!pair.from ||
      fstatat(pair.from->parent, pair.from->leaf, &source, AT_SYMLINK_NOFOLLOW) != 0) {
    return RenameOutcome::kSourceMissing;
  }
  if (S_ISDIR(source.st_mode)) return RenameOutcome::kUnsupported;
  const UniqueFd taken = open_component(pair.to.parent, pair.to.leaf,
                                        O_WRONLY | O_CREAT | O_EXCL, kPlaceholderMode);
  if (!taken.valid() && errno == EEXIST) return RenameOutcome::kTargetExists;
  if (!taken.valid()) throw_pair(errno, "rename", root.absolute(from), root.absolute(to));
  if (!is_still_placeholder(pair.to, taken.get())) return RenameOutcome::kTargetExists;
  const int error = rename_with(*pair.from, pair.to, 0);
  if (error == 0) return RenameOutcome::kDone;
  if (is_still_placeholder(pair.to, taken.get())) {
    unlinkat(pair.to.parent, pair.to.leaf, 0);
  }
  if (error == EXDEV) return RenameOutcome::kOtherMount;
  throw_pair(error, "rename", root.absolute(from), root.absolute(to));
}

RenameOutcome rename_away_plainly(const PosixRoot& root, const std::string& from,
                                  const std::string& to) {
  const Pair pair = locate_pair(root, from, to, "rename");
  if (!pair.from) return RenameOutcome::kSourceMissing;
  if (exists(pair.to)) return RenameOutcome::kTargetExists;
  const int error = rename_with(*pair.from, pair.to, 0);
  if (error == 0) return RenameOutcome::kDone;
  if (error == EXDEV) return RenameOutcome::kOtherMount;
  if (is_absent(error) && !exists(*pair.from)) return RenameOutcome::kSourceMissing;
  throw_pair(error, "rename", root.absolute(from), root.absolute(to));
}

namespace {

// To a free name; `without_flag` is the next best where the file system lacks the flag.
template <class WithoutFlag>
RenameOutcome rename_to_free_name(const PosixRoot& root, const std::string& from,
                                  const std::string& to, WithoutFlag&& without_flag) {
  const Pair pair = locate_pair(root, from, to, "rename");
  if (!pair.from) return RenameOutcome::kSourceMissing;
  const int error = rename_with(*pair.from, pair.to, RENAME_NOREPLACE);
  if (error == 0) return RenameOutcome::kDone;
  if (error == EEXIST) return RenameOutcome::kTargetExists;
  if (is_absent(error) && !exists(*pair.from)) return RenameOutcome::kSourceMissing;
  if (error == EXDEV) return RenameOutcome::kOtherMount;
  if (lacks_flag(error)) return without_flag(root, from, to);
  throw_pair(error, "rename", root.absolute(from), root.absolute(to));
}

}  // namespace

RenameOutcome rename_new_in(const PosixRoot& root, const std::string& from,
                            const std::string& to) {
  return rename_to_free_name(root, from, to, rename_new_by_link);
}

RenameOutcome rename_away_in(const PosixRoot& root, const std::string& from,
                             const std::string& to) {
  return rename_to_free_name(root, from, to, rename_away_plainly);
}

RenameOutcome exchange_in(const PosixRoot& root, const std::string& a,
                          const std::string& b) {
  const Pair pair = locate_pair(root, a, b, "exchange");
  if (!pair.from) return RenameOutcome::kSourceMissing;
  const int error = rename_with(*pair.from, pair.to, RENAME_EXCHANGE);
  if (error == 0) return RenameOutcome::kDone;
  if (error == ENOENT) return RenameOutcome::kSourceMissing;
  if (error == EXDEV) return RenameOutcome::kOtherMount;
  if (lacks_flag(error)) return RenameOutcome::kUnsupported;
  throw_pair(error, "exchange", root.absolute(a), root.absolute(b));
}

void rename_over_in(const PosixRoot& root, const std::string& from,
                    const std::string& to) {
  const Location source = root.locate(from, "rename");
  const Location target = root.locate(to, "rename");
  const int error = rename_with(source, target, 0);
  if (error != 0) throw_pair(error, "rename", root.absolute(from), root.absolute(to));
}

}  // namespace cloudsync::base

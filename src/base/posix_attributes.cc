// SPDX-License-Identifier: Apache-2.0
#include "base/posix_attributes.h"

#include <fcntl.h>
#include <sys/xattr.h>

#include <cstring>
#include <optional>

namespace cloudsync::base {
namespace {

constexpr mode_t kPermissionBits = 0777;
constexpr mode_t kAllModeBits = 07777;

std::optional<std::string> read_xattr(int fd, const char* name) {
  const ssize_t size = fgetxattr(fd, name, nullptr, 0);
  if (size < 0) return std::nullopt;
  std::string value(static_cast<std::size_t>(size), '\0');
  const ssize_t n = fgetxattr(fd, name, value.data(), value.size());
  if (n != size) return std::nullopt;
  return value;
}

std::string xattr_names(int fd) {
  const ssize_t size = flistxattr(fd, nullptr, 0);
  if (size <= 0) return {};
  std::string names(static_cast<std::size_t>(size), '\0');
  const ssize_t n = flistxattr(fd, names.data(), names.size());
  names.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
  return names;
}

// What the target's file system or our rights refuse (security.*, trusted.*) is skipped.
void copy_xattrs(int from, int to) {
  const std::string names = xattr_names(from);
  for (std::size_t at = 0; at < names.size(); at += std::strlen(names.c_str() + at) + 1) {
    const char* name = names.c_str() + at;
    const auto value = read_xattr(from, name);
    if (value) fsetxattr(to, name, value->data(), value->size(), 0);
  }
}

// True when user and group are now those of the source.
bool copy_owner(const struct stat& source, const struct stat& target, int to) {
  if (source.st_uid == target.st_uid && source.st_gid == target.st_gid) return true;
  if (fchown(to, source.st_uid, source.st_gid) == 0) return true;
  // The user cannot be given away without privilege, the group often can.
  return fchown(to, static_cast<uid_t>(-1), source.st_gid) == 0 &&
         source.st_uid == target.st_uid;
}

}  // namespace

void copy_attributes_in(const PosixRoot& root, const std::string& from,
                        const std::string& to) {
  // O_PATH needs no read permission on the file; only the xattrs do.
  const UniqueFd source = root.try_open(from, O_PATH | O_NOFOLLOW);
  if (!source.valid() && is_absent(errno)) return;
  if (!source.valid()) throw_walk(errno, "read the attributes of", root.absolute(from));
  const UniqueFd target =
      root.open(to, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, "set the attributes of");
  struct stat source_status{};
  struct stat target_status{};
  if (fstat(source.get(), &source_status) != 0 ||
      fstat(target.get(), &target_status) != 0) {
    throw_io(errno, "read the attributes of", root.absolute(from));
  }
  if (S_ISLNK(source_status.st_mode)) return;
  const bool owned = copy_owner(source_status, target_status, target.get());
  const UniqueFd readable = root.try_open(from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (readable.valid()) copy_xattrs(readable.get(), target.get());
  // Last, since chown clears set-user-id; and those bits never go to a file of another
  // owner.
  fchmod(target.get(), source_status.st_mode & (owned ? kAllModeBits : kPermissionBits));
}

}  // namespace cloudsync::base

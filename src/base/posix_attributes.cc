// SPDX-License-Identifier: Apache-2.0
#include "base/posix_attributes.h"

#include <fcntl.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string_view>

namespace cloudsync::base {
namespace {

// Rights beyond the owner's were given to the old bytes, not to what came from elsewhere.
constexpr mode_t kPermissionBits = 0777;
// Privileges of the old bytes, and signatures over them.
constexpr std::array<std::string_view, 3> kBoundToContent = {
    "security.capability", "security.ima", "security.evm"};

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

bool is_bound_to_content(std::string_view name) {
  return std::ranges::find(kBoundToContent, name) != kBoundToContent.end();
}

// What the target's file system or our rights refuse (security.*, trusted.*) is skipped.
void copy_xattrs(int from, int to) {
  const std::string names = xattr_names(from);
  for (std::size_t at = 0; at < names.size(); at += std::strlen(names.c_str() + at) + 1) {
    const char* name = names.c_str() + at;
    if (is_bound_to_content(name)) continue;
    const auto value = read_xattr(from, name);
    if (value) fsetxattr(to, name, value->data(), value->size(), 0);
  }
}

void copy_owner(const struct stat& source, const struct stat& target, int to) {
  if (source.st_uid == target.st_uid && source.st_gid == target.st_gid) return;
  if (fchown(to, source.st_uid, source.st_gid) == 0) return;
  // The user cannot be given away without privilege, the group often can.
  if (fchown(to, static_cast<uid_t>(-1), source.st_gid) != 0) return;
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
  copy_owner(source_status, target_status, target.get());
  const UniqueFd readable = root.try_open(from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (readable.valid()) copy_xattrs(readable.get(), target.get());
  fchmod(target.get(), source_status.st_mode & kPermissionBits);
}

}  // namespace cloudsync::base

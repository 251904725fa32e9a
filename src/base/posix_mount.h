// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>

#include <string>

#include "base/posix_root.h"

namespace cloudsync::base {

// Some FUSE file systems make up inode numbers or ctimes at each look. Looks twice at an
// open directory and remembers the answer for its device.
void look_for_made_up_numbers(int directory);
// Inode numbers and ctimes of such a device, replaced by 0.
void drop_made_up_numbers(struct stat& status);
// Same device and inode, as far as the device has inode numbers.
bool is_same_file(const struct stat& a, const struct stat& b);

// A file system known to keep inode numbers and ctimes over unmounting.
bool keeps_numbers(int fd);
// The casefold flag of ext4, f2fs and tmpfs.
bool has_casefold_flag(int directory);
// True while the path leads to the directory that `fd` has open.
bool is_named(int fd, const std::string& path);

}  // namespace cloudsync::base

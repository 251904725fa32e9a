// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cloudsync::sync {

// Why this relative key must never become a path ("contains '..'"); nothing when it may.
// Empty, leading '/', "//", "." and ".." components, NUL, control characters, '\\', not
// UTF-8, a component above 255 or a key above 1024 bytes. One '/' at the end is allowed:
// the key of a directory.
std::optional<std::string> unsafe_key_reason(std::string_view key);

// Why this local name cannot be a key; nothing when it may.
std::optional<std::string> unsafe_name_reason(std::string_view relative_path);

// The same for one component alone; the length of the whole key is the caller's to check.
std::optional<std::string> unsafe_component_reason(std::string_view component);

inline constexpr std::size_t kMaxKeyBytes = 1024;

// cloudsync's own files on either side: any component ".cloudsync" or ".cloudsync-store",
// names ending in ".cloudsync-part".
bool is_own_path(std::string_view key);
bool is_own_component(std::string_view component);

// The end of the range of keys below directory `key` ("a/b" or "a/b/" -> "a/b0"),
// exclusive.
std::string subtree_end(std::string_view key);

// True when a link of this target at `key` stays inside the root: relative, and never
// above it.
bool link_stays_inside(std::string_view key, std::string_view target);

// Where cloudsync keeps its own files below the root.
inline constexpr char kOwnDirectory[] = ".cloudsync";
inline constexpr char kTempDirectory[] = ".cloudsync/tmp";
inline constexpr char kTrashDirectory[] = ".cloudsync/trash";

}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
#include "sync/guard/own_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>

namespace cloudsync::sync {

namespace {

namespace fs = std::filesystem;
using Reach = OwnPlace::Reach;

constexpr int kMostLinks = 40;  // as many as the kernel follows

// The place itself and, where it is a link, each name on the way to the file.
std::vector<std::string> names_of(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  fs::path next = fs::absolute(path, error).lexically_normal();
  if (!next.has_filename()) next = next.parent_path();
  for (int i = 0; i < kMostLinks && !error; ++i) {
    next = fs::weakly_canonical(next.parent_path(), error) / next.filename();
    if (error) break;
    names.push_back(next.string());
    const fs::path target = fs::read_symlink(next, error);
    if (error) break;
    next = (next.parent_path() / target).lexically_normal();
  }
  return names;
}

// The part of `path` below `folder`, "" for the folder itself, nothing outside.
std::optional<std::string> relative_to(const std::string& folder,
                                       const std::string& path) {
  if (path == folder) return "";
  const std::string base = folder == "/" ? folder : folder + "/";
  if (!path.starts_with(base)) return std::nullopt;
  return path.substr(base.size());
}

bool is_inside(const std::string& folder, const std::string& path) {
  return relative_to(folder, path).has_value();
}

// What the program makes beside a database: SQLite's files, a lock for each pair, copies.
bool is_companion(std::string_view suffix) {
  if (suffix.empty() || suffix == "-wal" || suffix == "-shm" || suffix == "-journal")
    return true;
  return suffix.starts_with('.') &&
         (suffix.ends_with(".lock") || suffix.starts_with(".backup-v") ||
          suffix.starts_with(".corrupt-"));
}

bool lies_below(std::string_view key, std::string_view folder) {
  return key.size() > folder.size() && key[folder.size()] == '/' &&
         key.starts_with(folder);
}

}  // namespace

OwnFiles::OwnFiles(const std::vector<OwnPlace>& places,
                   const std::vector<std::string>& folders) {
  for (const auto& place : places) {
    for (const auto& name : names_of(place.path)) add(name, place.reach, folders);
  }
}

void OwnFiles::add(const std::string& path, Reach reach,
                   const std::vector<std::string>& folders) {
  for (const auto& folder : folders) {
    everything_ |= reach == Reach::kFolder && is_inside(path, folder);
    if (const auto key = relative_to(folder, path); key && !key->empty()) {
      std::error_code ignored;
      const bool exists =
          fs::symlink_status(path, ignored).type() != fs::file_type::not_found;
      held_.push_back({*key, reach, exists});
    }
  }
  add_inode(path);
  if (reach == Reach::kFile) return;
  const fs::path whole = path;
  const fs::path listed = reach == Reach::kFolder ? whole : whole.parent_path();
  const std::string name = whole.filename().string();
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(listed, error)) {
    const std::string found = entry.path().filename().string();
    const bool own = reach == Reach::kFolder ||
                     (found.starts_with(name) && is_companion(found.substr(name.size())));
    if (own) add_inode(entry.path().string());
  }
}

void OwnFiles::add_inode(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return;
  inodes_.emplace(status.st_dev, status.st_ino);
}

bool OwnFiles::hold(std::string_view key) const {
  if (everything_) return true;
  return std::any_of(held_.begin(), held_.end(), [&](const Held& held) {
    if (key == held.key || lies_below(key, held.key)) return true;
    if (held.reach == Reach::kDatabase && key.starts_with(held.key) &&
        is_companion(key.substr(held.key.size()))) {
      return true;
    }
    // An object of the name of a folder on the way would want that folder away.
    return held.exists && lies_below(held.key, key);
  });
}

bool OwnFiles::hold(const MergedItem& item) const {
  if (hold(item.key)) return true;
  if (!item.local || inodes_.empty()) return false;
  const auto& stat = item.local->stat;
  return stat.kind == base::FileKind::kRegular && inodes_.contains({stat.dev, stat.ino});
}

}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
#include "sync/place/trash.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "cloudsync/error.h"

namespace cloudsync::sync {
namespace {

constexpr int kMostTrashNames = 1000;
constexpr std::uint32_t kPrivateDirectory = 0700;

constexpr std::size_t kStampLength = 16;  // 20260102T030405Z
constexpr std::size_t kPartLength = 7;    // -0a1b2c, once or twice

std::string trash_path(const std::string& folder, const std::string& key, int attempt) {
  std::string path = folder;
  if (attempt > 1) path += "~" + std::to_string(attempt);
  return path + "/" + key;
}

// Tries without looking first: most often the directory is there already.
base::RenameOutcome bring_in(base::FileSystem& files, const std::string& from,
                             const std::string& to) {
  try {
    const auto outcome = files.rename_away(from, to);
    if (outcome != base::RenameOutcome::kSourceMissing) return outcome;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kDiskFull) throw;
  }
  if (inspect_parents(files, to).blocked) return base::RenameOutcome::kTargetExists;
  files.make_directories(parent_path(to), kPrivateDirectory);
  return files.rename_away(from, to);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }
bool is_part(std::string_view text) {
  return text.size() == kPartLength && text[0] == '-' &&
         std::ranges::all_of(text.substr(1), is_hex);
}

}  // namespace

bool same_but_ctime(const base::FileStat& a, const base::FileStat& b) {
  return a.kind == b.kind && a.size == b.size && a.mtime_ns == b.mtime_ns &&
         a.dev == b.dev && a.ino == b.ino;
}

std::string parent_path(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

// From the top down: a path below something that is no directory must not be asked for.
Parents inspect_parents(base::FileSystem& files, const std::string& path) {
  Parents parents;
  for (std::size_t slash = path.find('/'); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    if (!parents.missing.empty()) {
      parents.missing.push_back(path.substr(0, slash + 1));
      continue;
    }
    const auto stat = files.stat(path.substr(0, slash));
    if (!stat) {
      parents.missing.push_back(path.substr(0, slash + 1));
    } else if (stat->kind != base::FileKind::kDirectory) {
      parents.blocked = true;
      return parents;
    }
  }
  return parents;
}

TrashMove move_to_trash(base::FileSystem& files, const std::string& folder,
                        const std::string& path, const std::string& key) {
  for (int attempt = 1; attempt <= kMostTrashNames; ++attempt) {
    std::string target = trash_path(folder, key, attempt);
    const auto outcome = bring_in(files, path, target);
    if (outcome == base::RenameOutcome::kTargetExists) continue;
    return {.outcome = outcome, .path = std::move(target)};
  }
  throw Error(ErrorCode::kAlreadyExists,
              "no free name in the trash for " + base::printable(key));
}

bool is_trash_of_run(std::string_view folder_name, const std::string& run) {
  return folder_name == run || folder_name.starts_with(run + "~");
}

bool is_trash_folder(std::string_view folder_name) {
  const auto run = folder_name.substr(0, folder_name.find('~'));
  if (run.size() < kStampLength) return false;
  const auto stamp = run.substr(0, kStampLength);
  if (!std::ranges::all_of(stamp.substr(0, 8), is_digit) || stamp[8] != 'T' ||
      !std::ranges::all_of(stamp.substr(9, 6), is_digit) || stamp[15] != 'Z') {
    return false;
  }
  const auto parts = run.substr(kStampLength);
  return is_part(parts.substr(0, kPartLength)) &&
         (parts.size() == kPartLength || is_part(parts.substr(kPartLength)));
}

bool holds_replaced(std::string_view folder_name) {
  if (!is_trash_folder(folder_name)) return false;
  const auto tilde = std::min(folder_name.find('~'), folder_name.size());
  return folder_name.substr(tilde).starts_with(kReplacedSuffix);
}

}  // namespace cloudsync::sync

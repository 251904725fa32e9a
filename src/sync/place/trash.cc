// SPDX-License-Identifier: Apache-2.0
#include "sync/place/trash.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "cloudsync/error.h"
#include "sync/place/run_name.h"

namespace cloudsync::sync {
namespace {

constexpr int kMostTrashNames = 1000;
constexpr std::uint32_t kPrivateDirectory = 0700;

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

std::optional<RunName> run_of(std::string_view folder_name) {
  return parse_run_name(folder_name.substr(0, folder_name.find('~')));
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

bool is_trash_of_replica(std::string_view folder_name, const std::string& run) {
  const auto found = run_of(folder_name);
  const auto own = parse_run_name(run);
  return found && (found->replica.empty() || (own && found->replica == own->replica));
}

bool holds_replaced(std::string_view folder_name) {
  if (!run_of(folder_name)) return false;
  const auto tilde = std::min(folder_name.find('~'), folder_name.size());
  return folder_name.substr(tilde).starts_with(kReplacedSuffix);
}

}  // namespace cloudsync::sync

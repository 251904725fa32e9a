// SPDX-License-Identifier: Apache-2.0
#include "sync/place/trash.h"

#include "base/encoding.h"
#include "cloudsync/error.h"
#include "sync/place/place.h"

namespace cloudsync::sync {
namespace {

constexpr int kMostTrashNames = 1000;
constexpr std::uint32_t kPrivateDirectory = 0700;

enum class Method { kRename, kLink };

std::string trash_path(const std::string& run, const std::string& key, int attempt) {
  std::string path = std::string(kTrashDirectory) + "/" + run;
  if (attempt > 1) path += "~" + std::to_string(attempt);
  return path + "/" + key;
}

base::RenameOutcome apply(base::FileSystem& files, Method method, const std::string& from,
                          const std::string& to) {
  return method == Method::kRename ? files.rename_new(from, to) : files.link(from, to);
}

// Tries without looking first: most often the directory is there already.
base::RenameOutcome bring_in(base::FileSystem& files, Method method,
                             const std::string& from, const std::string& to) {
  try {
    const auto outcome = apply(files, method, from, to);
    if (outcome != base::RenameOutcome::kSourceMissing) return outcome;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kDiskFull) throw;
  }
  if (inspect_parents(files, to).blocked) return base::RenameOutcome::kTargetExists;
  files.make_directories(parent_path(to), kPrivateDirectory);
  return apply(files, method, from, to);
}

std::optional<std::string> into_trash(base::FileSystem& files, Method method,
                                      const std::string& run, const std::string& path,
                                      const std::string& key) {
  for (int attempt = 1; attempt <= kMostTrashNames; ++attempt) {
    const std::string target = trash_path(run, key, attempt);
    switch (bring_in(files, method, path, target)) {
      case base::RenameOutcome::kDone:
        return target;
      case base::RenameOutcome::kSourceMissing:
        return std::nullopt;
      case base::RenameOutcome::kTargetExists:
        break;
      case base::RenameOutcome::kUnsupported:
        throw Error(ErrorCode::kUnsupported,
                    "the file system of " + files.root_path() +
                        " can neither exchange nor link files, so " +
                        base::printable(key) +
                        " cannot be replaced safely; remove it by hand and run again");
    }
  }
  throw Error(ErrorCode::kAlreadyExists,
              "no free name in the trash for " + base::printable(key));
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

std::optional<std::string> move_to_trash(base::FileSystem& files, const std::string& run,
                                         const std::string& path,
                                         const std::string& key) {
  return into_trash(files, Method::kRename, run, path, key);
}

std::optional<std::string> link_to_trash(base::FileSystem& files, const std::string& run,
                                         const std::string& path,
                                         const std::string& key) {
  return into_trash(files, Method::kLink, run, path, key);
}

bool is_trash_of_run(const std::string& directory_name, const std::string& run) {
  return directory_name == run || directory_name.starts_with(run + "~");
}

}  // namespace cloudsync::sync

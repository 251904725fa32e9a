// SPDX-License-Identifier: Apache-2.0
// Placer: what leaves the trash, and what is left in the temporary folder.
#include <algorithm>
#include <limits>

#include "cloudsync/error.h"
#include "sync/place/place.h"
#include "sync/place/trash.h"
#include "sync/place/trash_mounts.h"
#include "sync/transfer/transfer.h"

namespace cloudsync::sync {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kLeastDefault = 1'000'000'000;
constexpr std::string_view kTempSuffix = ".part";

bool is_directory(base::FileSystem& files, const std::string& path) {
  const auto stat = files.stat(path);
  return stat && stat->kind == base::FileKind::kDirectory;
}

// When something last came into a folder or a file was last written to or moved. The
// mtime of a placed file is the object's, and its ctime tells when it came here; of a
// folder the younger of both counts.
std::int64_t entered_ns(const base::FileStat& stat) {
  if (stat.kind != base::FileKind::kDirectory) return stat.ctime_ns;
  return std::max(stat.mtime_ns, stat.ctime_ns);
}

struct RunFolder {
  std::string path;
  std::int64_t entered = 0;
  std::uint64_t bytes = 0;
};

// Children first. `keep` says which files stay, with the folders above them.
template <class Keep>
std::uint64_t remove_below(base::FileSystem& files, const std::string& path,
                           const Keep& keep) {
  std::uint64_t removed = 0;
  const auto directory = files.open_directory(path);
  for (const base::DirEntry& entry : directory->entries()) {
    const std::string child = path + "/" + entry.name;
    const auto stat = directory->stat(entry.name);
    if (!stat) continue;
    if (stat->kind == base::FileKind::kDirectory) {
      removed += remove_below(files, child, keep);
    } else if (!keep(*stat) && files.remove_file(child)) {
      ++removed;
    }
  }
  files.remove_directory(path);
  return removed;
}

std::uint64_t bytes_below(base::FileSystem& files, const std::string& path) {
  std::uint64_t bytes = 0;
  const auto directory = files.open_directory(path);
  for (const base::DirEntry& entry : directory->entries()) {
    const auto stat = directory->stat(entry.name);
    if (!stat) continue;
    bytes += stat->kind == base::FileKind::kDirectory
                 ? bytes_below(files, path + "/" + entry.name)
                 : stat->size;
  }
  return bytes;
}

// By what `wanted` says of their names.
template <class Wanted>
std::vector<RunFolder> run_folders(base::FileSystem& files, const std::string& trash,
                                   const Wanted& wanted) {
  std::vector<RunFolder> found;
  const auto directory = files.open_directory(trash);
  for (const base::DirEntry& entry : directory->entries()) {
    if (!wanted(entry.name)) continue;
    const auto stat = directory->stat(entry.name);
    if (!stat || stat->kind != base::FileKind::kDirectory) continue;
    found.push_back({.path = trash + "/" + entry.name, .entered = entered_ns(*stat)});
  }
  return found;
}

bool is_of_earlier_run(std::string_view folder_name, const std::string& run) {
  return is_trash_of_replica(folder_name, run) && !is_trash_of_run(folder_name, run);
}

std::uint64_t limit_in_bytes(const TrashLimit& limit, std::uint64_t total) {
  if (!limit.is_percent) return limit.bytes;
  if (total == 0) return limit.is_default ? kLeastDefault : UINT64_MAX;
  const auto share =
      static_cast<std::uint64_t>(static_cast<double>(total) / 100 * limit.percent);
  return limit.is_default ? std::max(share, kLeastDefault) : share;
}

// Removes files of earlier runs, oldest first, until what is left fits.
std::uint64_t evict(base::FileSystem& files, const std::string& trash,
                    const std::string& run, std::uint64_t limit) {
  auto folders = run_folders(files, trash, [&](const std::string& name) {
    return holds_replaced(name) && is_of_earlier_run(name, run);
  });
  std::uint64_t total = 0;
  for (auto& folder : folders) {
    folder.bytes = bytes_below(files, folder.path);
    total += folder.bytes;
  }
  const auto own = run_folders(files, trash, [&](const std::string& name) {
    return holds_replaced(name) && is_trash_of_run(name, run);
  });
  for (const auto& folder : own) total += bytes_below(files, folder.path);
  std::ranges::sort(folders, {}, &RunFolder::entered);
  std::uint64_t removed = 0;
  for (const auto& folder : folders) {
    if (total <= limit) break;
    removed += remove_below(files, folder.path, [&](const base::FileStat& stat) {
      if (total <= limit) return true;
      total -= std::min(total, stat.size);
      return false;
    });
  }
  return removed;
}

}  // namespace

Purged Placer::purge(const PurgeOptions& options) {
  Purged purged;
  purged.files = purge_temp(options.live_temp_names);
  if (options.clock_is_wrong) return purged;
  if (!file_clock_.known) read_clock();
  if (!file_clock_.known || file_clock_.is_wrong()) {
    purged.notice =
        "the clock of the file system of " + files_.root_path() +
        (file_clock_.known ? " and this machine's are more than five minutes apart"
                           : " cannot be read") +
        ": nothing was removed from the trash";
    return purged;
  }
  for (const auto& trash : trashes_of(files_)) {
    purged.files += purge_trash(trash, options.retention_seconds);
    if (!replaced_any_) continue;
    const std::uint64_t limit = limit_in_bytes(options.limit, files_.total_bytes(trash));
    purged.files += evict(files_, trash, run_name_, limit);
  }
  return purged;
}

// A run goes by the time at which it last moved something in; a file that somebody has
// written to since stays with its folder.
std::uint64_t Placer::purge_trash(const std::string& trash,
                                  std::int64_t retention_seconds) {
  const std::int64_t now = file_clock_.now_ns(clock_);
  std::int64_t oldest = 0;
  if (__builtin_mul_overflow(retention_seconds, kSecond, &oldest) ||
      __builtin_sub_overflow(now, oldest, &oldest)) {
    return 0;
  }
  std::uint64_t removed = 0;
  const auto earlier = run_folders(files_, trash, [&](const std::string& name) {
    return is_of_earlier_run(name, run_name_);
  });
  for (const auto& folder : earlier) {
    if (folder.entered >= oldest) continue;
    removed += remove_below(files_, folder.path, [&](const base::FileStat& stat) {
      return entered_ns(stat) >= oldest;
    });
  }
  return removed;
}

std::uint64_t Placer::purge_temp(const std::set<std::string>& live_temp_names) {
  if (!is_directory(files_, kTempDirectory)) return 0;
  const auto directory = files_.open_directory(kTempDirectory);
  std::uint64_t removed = 0;
  for (const base::DirEntry& entry : directory->entries()) {
    if (!entry.name.ends_with(kTempSuffix) || live_temp_names.contains(entry.name))
      continue;
    const auto stat = directory->stat(entry.name);
    if (!stat || stat->kind == base::FileKind::kDirectory) continue;
    if (files_.remove_file(std::string(kTempDirectory) + "/" + entry.name)) ++removed;
  }
  return removed;
}

std::uint64_t Placer::trash_bytes() {
  std::call_once(counted_once_, [this] {
    try {
      for (const auto& trash : trashes_of(files_))
        trash_bytes_ += bytes_below(files_, trash);
    } catch (const Error&) {
      return;  // as much as could be counted
    }
  });
  return trash_bytes_;
}

std::vector<std::string> Placer::drop_held(const CallContext& context) {
  std::vector<std::string> kept;
  if (!held_) return kept;
  held_->for_each([&](const HeldFile& held) {
    const auto now = files_.stat(held.path);
    if (!now) return;
    bool same = same_but_ctime(*now, held.stat);
    if (same && now->kind == base::FileKind::kRegular) {
      const auto hashed =
          hash_local_file(files_, held.path, false, ContentHash::kMd5, context);
      same = hashed && hashed->md5 == held.md5;
    }
    if (same)
      files_.remove_file(held.path);
    else
      kept.push_back(held.path);
  });
  for (const auto& trash : trashes_of(files_)) {
    const auto own = run_folders(files_, trash, [&](const std::string& name) {
      return is_trash_of_run(name, run_name_);
    });
    for (const auto& folder : own) {
      remove_below(files_, folder.path, [](const base::FileStat&) { return true; });
    }
  }
  return kept;
}

}  // namespace cloudsync::sync

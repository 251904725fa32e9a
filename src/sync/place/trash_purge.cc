// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "sync/place/place.h"
#include "sync/place/trash.h"

namespace cloudsync::sync {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kTempRetentionSeconds = 24 * 3600;

// The times of a placed file are the object's; only the ctime tells when it came here.
std::int64_t age_seconds(const base::FileStat& stat, std::int64_t now_ns) {
  return (now_ns - stat.ctime_ns) / kSecond;
}

bool is_directory(base::FileSystem& files, const std::string& path) {
  const auto stat = files.stat(path);
  return stat && stat->kind == base::FileKind::kDirectory;
}

}  // namespace

std::uint64_t Placer::purge(std::int64_t retention_seconds,
                            const std::set<std::string>& live_temp_names) {
  return purge_trash(retention_seconds) + purge_temp(live_temp_names);
}

std::uint64_t Placer::purge_trash(std::int64_t retention_seconds) {
  if (!is_directory(files_, kTrashDirectory)) return 0;
  const auto directory = files_.open_directory(kTrashDirectory);
  std::uint64_t removed = 0;
  for (const base::DirEntry& run : directory->entries()) {
    if (is_trash_of_run(run.name, run_name_)) continue;
    const auto stat = directory->stat(run.name);
    if (!stat || stat->kind != base::FileKind::kDirectory) continue;
    if (age_seconds(*stat, clock_.now_ns()) <= retention_seconds) continue;
    removed += remove_tree(std::string(kTrashDirectory) + "/" + run.name);
  }
  return removed;
}

std::uint64_t Placer::remove_tree(const std::string& path) {
  std::uint64_t removed = 0;
  const auto directory = files_.open_directory(path);
  for (const base::DirEntry& entry : directory->entries()) {
    const std::string child = path + "/" + entry.name;
    const auto stat = directory->stat(entry.name);
    if (!stat) continue;
    if (stat->kind == base::FileKind::kDirectory) {
      removed += remove_tree(child);
    } else if (files_.remove_file(child)) {
      ++removed;
    }
  }
  files_.remove_directory(path);
  return removed;
}

std::uint64_t Placer::purge_temp(const std::set<std::string>& live_temp_names) {
  if (!is_directory(files_, kTempDirectory)) return 0;
  const auto directory = files_.open_directory(kTempDirectory);
  std::uint64_t removed = 0;
  for (const base::DirEntry& entry : directory->entries()) {
    if (live_temp_names.contains(entry.name)) continue;
    const auto stat = directory->stat(entry.name);
    if (!stat || stat->kind == base::FileKind::kDirectory) continue;
    if (age_seconds(*stat, clock_.now_ns()) <= kTempRetentionSeconds) continue;
    if (files_.remove_file(std::string(kTempDirectory) + "/" + entry.name)) ++removed;
  }
  return removed;
}

}  // namespace cloudsync::sync

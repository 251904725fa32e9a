// SPDX-License-Identifier: Apache-2.0
#include "sync/place/trash_mounts.h"

#include <algorithm>

#include "cloudsync/error.h"
#include "sync/scan/key_rules.h"

namespace cloudsync::sync {
namespace {

constexpr char kMountsFile[] = ".cloudsync/mounts";
constexpr std::uint64_t kMostBytes = 1U << 20;

std::string read_all(base::FileSystem& files) {
  const auto stat = files.stat(kMountsFile);
  if (!stat || stat->kind != base::FileKind::kRegular || stat->size > kMostBytes)
    return "";
  std::string text(stat->size, '\0');
  const auto file = files.open_read(kMountsFile);
  text.resize(
      file->read_at(0, std::as_writable_bytes(std::span(text.data(), text.size()))));
  return text;
}

std::vector<std::string> noted_mounts(base::FileSystem& files) {
  const std::string text = read_all(files);
  std::vector<std::string> tops;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (end > at) tops.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return tops;
}

bool is_directory(base::FileSystem& files, const std::string& path) {
  try {
    const auto stat = files.stat(path);
    return stat && stat->kind == base::FileKind::kDirectory;
  } catch (const Error&) {
    return false;  // no path at all, or below a symlink: not a trash of ours
  }
}

}  // namespace

void add_trash_mount(base::FileSystem& files, const std::string& top) {
  const auto tops = noted_mounts(files);
  // A name with a line feed is no key either, so that nothing of it is ever deleted.
  if (std::ranges::find(tops, top) != tops.end() || top.find('\n') != std::string::npos)
    return;
  const auto stat = files.stat(kMountsFile);
  const auto file =
      stat ? files.open_write(kMountsFile) : files.create(kMountsFile, 0600);
  const std::string line = top + "\n";
  file->write_at(stat ? stat->size : 0,
                 std::as_bytes(std::span(line.data(), line.size())));
  file->sync();
}

std::vector<std::string> trashes_of(base::FileSystem& files) {
  std::vector<std::string> found;
  if (is_directory(files, kTrashDirectory)) found.emplace_back(kTrashDirectory);
  for (const auto& top : noted_mounts(files)) {
    std::string trash = top + "/" + kTrashDirectory;
    if (is_directory(files, trash)) found.push_back(std::move(trash));
  }
  return found;
}

}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
#include "sync/symlinks.h"

#include <algorithm>

#include "sync/object_metadata.h"

namespace cloudsync::sync {

bool link_stays_inside(std::string_view key, std::string_view target) {
  if (target.empty() || target.front() == '/') return false;
  auto depth = std::count(key.begin(), key.end(), '/');
  bool named = false;
  while (!target.empty()) {
    const auto slash = target.find('/');
    const auto component = target.substr(0, slash);
    if (component == "..") {
      // Behind a name, which may be another link, ".." leads from wherever that one ends.
      if (named || --depth < 0) return false;
    } else if (!component.empty() && component != ".") {
      named = true;
    }
    target =
        slash == std::string_view::npos ? std::string_view() : target.substr(slash + 1);
  }
  return true;
}

LinkKind link_kind(std::string_view key, const DownloadResult& result) {
  if (!result.info.metadata || result.info.size != 0) return LinkKind::kNone;
  const auto target = symlink_target(*result.info.metadata);
  if (!target) return LinkKind::kNone;
  return link_stays_inside(key, *target) ? LinkKind::kInside : LinkKind::kOutside;
}

void replace_by_symlink(base::FileSystem& files, const DownloadResult& result) {
  files.remove_file(result.temp_path);
  files.make_symlink(*symlink_target(*result.info.metadata), result.temp_path);
}

}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
#include "sync/transfer/symlinks.h"

#include "storage/object_metadata.h"
#include "sync/scan/key_rules.h"

namespace cloudsync::sync {

LinkKind link_kind(std::string_view key, const DownloadResult& result) {
  if (!result.info.metadata || result.info.size != 0) return LinkKind::kNone;
  const auto target = storage::symlink_target(*result.info.metadata);
  if (!target) return LinkKind::kNone;
  return link_stays_inside(key, *target) ? LinkKind::kInside : LinkKind::kOutside;
}

void replace_by_symlink(base::FileSystem& files, const DownloadResult& result) {
  files.remove_file(result.temp_path);
  files.make_symlink(*storage::symlink_target(*result.info.metadata), result.temp_path);
}

}  // namespace cloudsync::sync

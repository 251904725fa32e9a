// SPDX-License-Identifier: Apache-2.0
#include "sync/run/followed_link.h"

#include "sync/transfer/stable_read.h"

namespace cloudsync::sync {

bool is_followed_link(const RunContext& context, const std::string& key) {
  if (!context.follow_links()) return false;
  const auto stat = context.files.stat(key);
  return stat && stat->kind == base::FileKind::kSymlink;
}

RemoveResult remove_seen(const RunContext& context, Placer& placer,
                         const std::string& key, const base::FileStat& seen,
                         const std::optional<Md5Digest>& md5) {
  if (!context.follow_links()) return placer.remove(key, seen, md5);
  const auto link = context.files.stat(key);
  if (!link || link->kind != base::FileKind::kSymlink)
    return placer.remove(key, seen, md5);
  const auto target = stat_now(context.files, key, true);
  if (target && target->same_version(seen))
    return placer.remove(key, *link, std::nullopt);
  RemoveResult changed;
  changed.status = PlaceStatus::kTargetChanged;
  return changed;
}

}  // namespace cloudsync::sync

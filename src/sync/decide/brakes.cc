// SPDX-License-Identifier: Apache-2.0
#include "sync/decide/brakes.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include <fmt/format.h>

namespace cloudsync::sync {
namespace {

constexpr std::uint64_t kDefaultFree = 10;  // deletions that the default never stops

std::uint64_t known(const DeletionCount& count) {
  return count.base_rows + count.never_synced;
}

std::string_view where(Side side) {
  return side == Side::kLocal ? "in the local directory" : "in the bucket";
}

std::uint64_t counted(const DeletionCount& count) {
  return count.planned - std::min(count.renames, count.planned);
}

bool over_limit(std::uint64_t deletions, std::uint64_t base_rows,
                const MaxDelete& limit) {
  const auto number = static_cast<double>(deletions);
  if (!limit.is_percent) return number > limit.value;
  if (limit.is_default && deletions <= kDefaultFree) return false;
  return number * 100 > limit.value * static_cast<double>(base_rows);
}

std::string limit_text(const MaxDelete& limit) {
  if (!limit.is_percent) return fmt::format("{:.0f}", limit.value);
  const std::string share = fmt::format("{:g} %", limit.value);
  return limit.is_default ? fmt::format("{} and more than {} files", share, kDefaultFree)
                          : share;
}

// The smallest limit that lets this plan pass, in the words of the flag.
std::string limit_to_pass(std::uint64_t deletions, std::uint64_t base_rows,
                          const MaxDelete& limit) {
  const bool as_share = limit.is_percent && deletions <= base_rows && base_rows > 0;
  if (!as_share) return fmt::format("{}", deletions);
  const double share =
      std::ceil(100.0 * static_cast<double>(deletions) / static_cast<double>(base_rows));
  return fmt::format("{:.0f}%", share);
}

std::string share_text(std::uint64_t deletions, std::uint64_t base_rows) {
  if (base_rows == 0) return "";
  return fmt::format(" ({:.1f} %)", 100.0 * static_cast<double>(deletions) /
                                        static_cast<double>(base_rows));
}

std::string renames_text(const DeletionCount& count) {
  if (count.renames == 0) return "";
  return fmt::format(" ({} more belong to renamed files and do not count)",
                     std::min(count.renames, count.planned));
}

MarkerVerdict judge_by_inode(const PairRecord& pair, std::uint64_t root_dev,
                             std::uint64_t root_ino) {
  const bool never_seen = pair.root_dev == 0 && pair.root_ino == 0;
  const bool same = pair.root_dev == root_dev && pair.root_ino == root_ino;
  return never_seen || same ? MarkerVerdict::kNormal : MarkerVerdict::kBrakeRoot;
}

}  // namespace

std::optional<Brake> max_delete_brake(Side side, const DeletionCount& count,
                                      const MaxDelete& limit,
                                      const std::set<Force>& force) {
  const std::uint64_t deletions = counted(count);
  if (force.contains(Force::kMaxDelete)) return std::nullopt;
  if (!over_limit(deletions, known(count), limit)) return std::nullopt;
  return Brake{
      "max-delete",
      fmt::format("{} of {} {}{} would be deleted {}{}; the limit is {}. Nothing was "
                  "deleted. If this is intended, run again with `--force max-delete` or "
                  "`--max-delete {}`.",
                  deletions, known(count),
                  count.never_synced == 0 ? "known files" : "files",
                  share_text(deletions, known(count)), where(side), renames_text(count),
                  limit_text(limit), limit_to_pass(deletions, known(count), limit))};
}

std::optional<Brake> emptied_brake(Side source, std::uint64_t items_seen,
                                   const DeletionCount& on_the_other_side,
                                   const std::set<Force>& force) {
  const auto& count = on_the_other_side;
  if (items_seen > 0 || count.planned == 0 || force.contains(Force::kEmptied))
    return std::nullopt;
  const Side target = source == Side::kLocal ? Side::kRemote : Side::kLocal;
  return Brake{
      "emptied",
      fmt::format(
          "Not a single file was found {}, and {} would be deleted {} because of "
          "that. Nothing was deleted. Check that folder and prefix are the right "
          "ones; if everything was deleted on purpose, run again with `--force "
          "emptied` (for a folder that is often empty, set `allow_emptied: true`).",
          where(source), count.planned, where(target))};
}

MarkerVerdict judge_marker(const MarkerView& marker, const PairRecord& pair,
                           bool has_base_rows, std::uint64_t root_dev,
                           std::uint64_t root_ino) {
  if (!has_base_rows)
    return marker.present ? MarkerVerdict::kAdopt : MarkerVerdict::kNormal;
  if (!pair.has_marker) return judge_by_inode(pair, root_dev, root_ino);
  if (!marker.present || !marker.uuid_matches) return MarkerVerdict::kBrakeRoot;
  if (marker.epoch > pair.epoch) return MarkerVerdict::kDemoteBase;
  return marker.epoch >= pair.epoch - 1 ? MarkerVerdict::kNormal
                                        : MarkerVerdict::kBrakeRestored;
}

}  // namespace cloudsync::sync

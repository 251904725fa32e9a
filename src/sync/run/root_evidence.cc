// SPDX-License-Identifier: Apache-2.0
#include "sync/run/root_evidence.h"

#include <optional>
#include <utility>
#include <vector>

#include "cloudsync/error.h"
#include "sync/transfer/stable_read.h"

namespace cloudsync::sync {
namespace {

constexpr std::size_t kSample = 200;
// Times may be cut, numbers may be new: what is compared here must not depend on either.
constexpr base::KeptNumbers kNothingKept{
    .inode = false, .change_time = false, .exact_mtime = false};

std::optional<base::FileStat> look(base::FileSystem& files, const BaseRow& row) {
  try {
    return stat_now(files, row.key, true);
  } catch (const Error&) {
    return std::nullopt;
  }
}

bool is_as_recorded(const base::FileStat& stat, const BaseRow& row) {
  return stat.kind == base::FileKind::kRegular && stat.size == row.size &&
         kNothingKept.same_mtime(stat.mtime_ns, row.l_mtime);
}

// Every file has the same chance, whatever the number of rows.
std::vector<BaseRow> random_files(SyncStateDatabase& state, PairId pair,
                                  base::Random& random) {
  std::vector<BaseRow> sample;
  std::size_t seen = 0;
  const auto rows = state.base_rows(pair, {});
  for (BaseRow row; rows->next(row);) {
    if (row.kind != EntryKind::kFile) continue;
    ++seen;
    if (sample.size() < kSample) {
      sample.push_back(std::move(row));
    } else if (const auto at = random.below(seen); at < kSample) {
      sample[at] = std::move(row);
    }
  }
  return sample;
}

}  // namespace

RootEvidence gather_root_evidence(base::FileSystem& files, SyncStateDatabase& state,
                                  PairId pair, base::Random& random) {
  RootEvidence evidence;
  for (const BaseRow& row : random_files(state, pair, random)) {
    ++evidence.sampled;
    const auto stat = look(files, row);
    if (!stat) continue;
    if (is_as_recorded(*stat, row)) {
      ++evidence.as_recorded;
    } else if (stat->mtime_ns < row.l_mtime) {
      evidence.any_older = true;
    }
  }
  return evidence;
}

base::KeptNumbers judge_kept_numbers(base::FileSystem& files, SyncStateDatabase& state,
                                     PairId pair) {
  if (files.keeps_numbers()) return {};
  std::size_t looked = 0;
  std::size_t compared = 0;
  std::size_t same_inode = 0;
  std::size_t same_change_time = 0;
  const auto rows = state.base_rows(pair, {});
  for (BaseRow row; looked < kSample && rows->next(row);) {
    if (row.kind != EntryKind::kFile) continue;
    ++looked;
    const auto stat = look(files, row);
    if (!stat || !is_as_recorded(*stat, row)) continue;
    ++compared;
    if (stat->ino != 0 && stat->ino == row.l_ino) ++same_inode;
    if (stat->ctime_ns != 0 && stat->ctime_ns == row.l_ctime) ++same_change_time;
  }
  return {.inode = compared > 0 && same_inode * 2 >= compared,
          .change_time = compared > 0 && same_change_time * 2 >= compared,
          .exact_mtime = false};
}

}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/merged_progress.h"

#include <algorithm>

namespace cloudsync::cli {
namespace {

void add_counts(SyncProgress& all, const SyncProgress& one) {
  using Count = std::uint64_t SyncProgress::*;
  constexpr Count kCounts[] = {
      &SyncProgress::uploaded,       &SyncProgress::downloaded,
      &SyncProgress::deleted_local,  &SyncProgress::deleted_remote,
      &SyncProgress::adopted,        &SyncProgress::unchanged,
      &SyncProgress::forgotten,      &SyncProgress::conflicts,
      &SyncProgress::conflicts_open, &SyncProgress::conflicts_resolved,
      &SyncProgress::archived,       &SyncProgress::skipped,
      &SyncProgress::failed,         &SyncProgress::unsafe,
      &SyncProgress::bytes_uploaded, &SyncProgress::bytes_downloaded,
      &SyncProgress::total_files,    &SyncProgress::completed_files,
      &SyncProgress::rewritten,
  };
  for (const Count count : kCounts) all.*count += one.*count;
}

void add_requests(RequestCounts& all, const RequestCounts& one) {
  all.list += one.list;
  all.head += one.head;
  all.get += one.get;
  all.put += one.put;
  all.del += one.del;
  all.other += one.other;
}

void add_concurrency(ConcurrencyReport& all, const ConcurrencyReport& one) {
  all.automatic |= one.automatic;
  all.most = std::max(all.most, one.most);
  all.last = one.last;
  all.throttled += one.throttled;
}

}  // namespace

void add_progress(SyncProgress& all, const SyncProgress& one) {
  add_counts(all, one);
  add_requests(all.requests, one.requests);
  add_concurrency(all.concurrency, one.concurrency);
  all.seconds += one.seconds;
  const double moved = static_cast<double>(all.bytes_uploaded + all.bytes_downloaded);
  all.transfer_speed_mbps = all.seconds > 0 ? moved / 1e6 / all.seconds : 0;
  if (one.brake && !all.brake) {
    all.brake = one.brake;
    all.brake_message = one.brake_message;
  }
  if (one.fatal && !all.fatal) all.fatal = one.fatal;
  for (const auto& notice : one.notices) {
    if (std::find(all.notices.begin(), all.notices.end(), notice) == all.notices.end()) {
      all.notices.push_back(notice);
    }
  }
  all.ignore_unsafe |= one.ignore_unsafe;
  all.state_rebuilt |= one.state_rebuilt;
  all.stale_resolution |= one.stale_resolution;
  all.stopped |= one.stopped;
  all.dry_run |= one.dry_run;
}

}  // namespace cloudsync::cli

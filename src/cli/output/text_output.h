// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cloudsync/cloud_storage.h"
#include "cloudsync/cloud_sync.h"
#include "cloudsync/config.h"
#include "cloudsync/sync_state.h"

namespace cloudsync::cli {

// "upload 'a/b' (1.2 MB)", "delete 'a' in the cloud": what an action is, for plans and
// logs.
std::string action_text(const ActionEvent& event);

// What a run did, a few lines for people; the last one without newline.
std::string summary_text(const SyncProgress& progress);

std::string object_line(const CloudFile& file);
std::string conflict_line(const ConflictRow& row);
std::string conflict_details(const ConflictRow& row, const PairRecord& pair);
std::string config_table(const std::vector<ConfigValue>& values);

// What the last whole run of a pair left out because the other side cannot hold it.
struct UnsafeNames {
  PairId pair = 0;
  std::uint64_t count = 0;
  std::vector<std::string> paths;  // the first thousand of them
};
// From a run's stored summary; nothing where the run did not decide all keys.
std::optional<UnsafeNames> unsafe_names(const RunRow& run);

// All that `status` shows.
struct StatusView {
  std::string database;
  SyncStatistics statistics;
  std::vector<PairRecord> pairs;
  std::vector<RunRow> runs;  // newest first
  bool verbose = false;      // list what is below
  std::vector<FailedRecord> failures;
  std::vector<ConflictRow> conflicts;
  std::vector<TransferRow> transfers;
  std::vector<UnsafeNames> unsafe;
};
std::string status_text(const StatusView& view);

}  // namespace cloudsync::cli

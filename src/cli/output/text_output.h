// SPDX-License-Identifier: Apache-2.0
#pragma once

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
};
std::string status_text(const StatusView& view);

}  // namespace cloudsync::cli

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cloudsync/cloud_storage.h"
#include "cloudsync/cloud_sync.h"
#include "cloudsync/config.h"
#include "cloudsync/sync_state.h"

namespace cloudsync::cli {

// One record each, on one line, without the newline. Bytes that are not UTF-8 never fail:
// they are replaced, and the exact bytes stand beside as ..._base64.
std::string action_json(const ActionEvent& event);
std::string summary_json(const SyncProgress& progress, int exit_code);
std::string object_json(const CloudFile& file);
// `pair` is added where the path alone would not say which one is meant.
std::string conflict_json(const ConflictRow& row, const PairRecord* pair = nullptr);
std::string config_value_json(const ConfigValue& value);

// Records of `status`.
std::string status_json(const std::string& database, const SyncStatistics& statistics);
std::string pair_json(const PairRecord& pair);
std::string run_json(const RunRow& run, const PairRecord* pair);
std::string failure_json(const FailedRecord& failure);
std::string transfer_json(const TransferRow& transfer);
std::string unsafe_json(const std::string& path, const PairRecord* pair);

std::string_view run_outcome_name(const RunRow& run);

}  // namespace cloudsync::cli

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cloudsync/cloud_sync.h"

namespace cloudsync {

// The whole configuration after ${VAR} substitution and precedence.
struct SyncConfig {
  StorageOptions storage;
  std::string sync_state_db = ".sync_state.db";
  ConflictStrategy conflict_strategy = ConflictStrategy::kTimestampWins;
  EngineOptions engine;
  std::string file;  // where it was read from
};

// One value as `config check` shows it.
struct ConfigValue {
  std::string key;     // "storage.bucket"
  std::string value;   // secrets masked
  std::string origin;  // "flag", "environment CLOUDSYNC_MAX_WORKERS", "FILE:12", "default"
};

struct LoadedConfig {
  SyncConfig config;
  std::vector<ConfigValue> values;  // in the order of the documentation's table
};

using EnvironmentLookup = std::function<std::optional<std::string>(const std::string&)>;

// Reads, substitutes and checks a configuration file. `flags` holds values of the command line by
// configuration key ("conflict_strategy"). Throws Error{kInvalidArgument} naming key, line and, for
// an unknown key, the nearest known one.
LoadedConfig load_config(const std::string& path, const std::map<std::string, std::string>& flags = {},
                         const EnvironmentLookup& environment = {});

// $CLOUDSYNC_CONFIG, ./cloudsync.yaml, ./config/storage_config.yaml, ~/.config/cloudsync/config.yaml:
// the first that exists. Throws Error{kInvalidArgument} naming all of them.
std::string find_config_file(const EnvironmentLookup& environment = {});

class SyncEngineBuilder {
 public:
  // Builds storage and engine and connects. Throws Error when the bucket cannot be reached.
  static std::unique_ptr<CloudSyncEngine> from_config_file(const std::string& path,
                                                           const std::stop_token& stop = {});
  // The same without connecting.
  static std::unique_ptr<CloudSyncEngine> from_config(const SyncConfig& config);
};

}  // namespace cloudsync

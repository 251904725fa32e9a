// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"
#include "cloudsync/config.h"

namespace cloudsync {

std::unique_ptr<CloudSyncEngine> SyncEngineBuilder::from_config_file(
    const std::string& path, const std::stop_token& stop) {
  auto engine = from_config(load_config(path).config);
  engine->cloud_storage().connect(stop);
  return engine;
}

std::unique_ptr<CloudSyncEngine> SyncEngineBuilder::from_config(
    const SyncConfig& config) {
  if (!config.storage.verify_tls) {
    base::log().warn(
        "storage.verify_tls is false: the server's certificate is not checked, anybody "
        "on the way "
        "can read and change the data");
  }
  std::shared_ptr<CloudStorage> storage = make_cloud_storage(config.storage);
  EngineOptions options = config.engine;
  if (!config.file.empty()) options.own_files.push_back(config.file);
  return std::make_unique<CloudSyncEngine>(std::move(storage), config.sync_state_db,
                                           config.conflict_strategy, std::move(options));
}

}  // namespace cloudsync

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cloudsync/cloud_storage.h"
#include "sync/guard/environment.h"

namespace cloudsync::sync {

// A place that belongs to the program or holds a secret of its user.
struct OwnPlace {
  enum class Reach {
    kFile,
    kDatabase,  // with what lies beside it: log, locks, copies of earlier schemas
    kFolder,    // with everything below
  };
  std::string path;
  Reach reach = Reach::kFile;
};

// The state database, `named` (configuration, log), every credential and CA file that the
// storage's settings or the environment name, and the places of the default chains.
std::vector<OwnPlace> own_places(const StorageOptions& storage,
                                 const std::string& database_path,
                                 const std::vector<std::string>& named,
                                 const Environment& environment);

}  // namespace cloudsync::sync

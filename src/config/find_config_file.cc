// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <vector>

#include "cloudsync/config.h"
#include "config/process_environment.h"

namespace cloudsync {

std::string find_config_file(const EnvironmentLookup& environment) {
  const EnvironmentLookup lookup =
      environment ? environment : config::process_environment;
  // A file that was named is used or reported, never passed over for another one.
  if (const auto named = lookup("CLOUDSYNC_CONFIG"); named && !named->empty())
    return *named;
  std::vector<std::string> candidates{"./cloudsync.yaml", "./config/storage_config.yaml"};
  if (const auto home = lookup("HOME"); home && !home->empty()) {
    candidates.push_back(*home + "/.config/cloudsync/config.yaml");
  }
  std::string searched = "$CLOUDSYNC_CONFIG (not set)";
  for (const std::string& path : candidates) {
    if (::access(path.c_str(), F_OK) == 0) return path;
    searched += ", " + path;
  }
  throw Error(ErrorCode::kInvalidArgument,
              "no configuration file; name one with --config. Looked for: " + searched);
}

}  // namespace cloudsync

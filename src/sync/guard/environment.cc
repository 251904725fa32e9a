// SPDX-License-Identifier: Apache-2.0
#include "sync/guard/environment.h"

#include <cstdlib>

namespace cloudsync::sync {

std::optional<std::string> process_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

std::string state_folder(const Environment& environment) {
  if (const auto home = environment("XDG_STATE_HOME"); home && home->starts_with('/'))
    return *home + "/cloudsync";
  const auto home = environment("HOME");
  return home && home->starts_with('/') ? *home + "/.local/state/cloudsync" : "";
}

}  // namespace cloudsync::sync

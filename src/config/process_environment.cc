// SPDX-License-Identifier: Apache-2.0
#include "config/process_environment.h"

#include <cstdlib>

namespace cloudsync::config {

std::optional<std::string> process_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

}  // namespace cloudsync::config

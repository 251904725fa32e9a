// SPDX-License-Identifier: Apache-2.0
#include "auth/environment.h"

#include <cstdlib>

#include "auth/blank.h"

namespace cloudsync::auth {

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

std::optional<std::string> environment_value(const Environment& environment,
                                             const std::string& name) {
  const auto value = environment(name);
  if (!value) return std::nullopt;
  const std::string_view content = trim_blanks(*value);
  return content.empty() ? std::nullopt : std::optional<std::string>(content);
}

}  // namespace cloudsync::auth

// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/entra_source.h"

#include <utility>

namespace cloudsync::auth {

TokenAttempt absent(std::string reason) { return {std::nullopt, std::move(reason)}; }

EntraSetting find_setting(const std::string& configured, const std::string& key,
                          const Environment& environment, const std::string& variable) {
  if (!configured.empty()) return {configured, "storage.credentials." + key};
  return {environment_value(environment, variable).value_or(""),
          "the environment variable " + variable};
}

}  // namespace cloudsync::auth

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace cloudsync::sync {

using Environment = std::function<std::optional<std::string>(const std::string&)>;
std::optional<std::string> process_environment(const std::string& name);

// $XDG_STATE_HOME/cloudsync, where the account keeps what belongs to no root; "" when
// the environment names no place.
std::string state_folder(const Environment& environment);

}  // namespace cloudsync::sync

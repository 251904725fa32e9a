// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace cloudsync::auth {

// The variables as an argument, so that tests bring their own.
using Environment = std::function<std::optional<std::string>(const std::string&)>;
Environment process_environment();

// The variable's value; nothing when it is unset or blank.
std::optional<std::string> environment_value(const Environment& environment,
                                             const std::string& name);

}  // namespace cloudsync::auth

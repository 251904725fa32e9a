// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "cloudsync/config.h"

namespace cloudsync::config {

// Replaces ${VAR} and ${VAR:default}; "$$" is "$", any other "$" stays. A variable that
// is set but empty counts as set. What comes from a variable is not looked at again.
// Throws Error{kInvalidArgument} naming the variable that is unset and has no default;
// the caller adds key and line.
std::string substitute(std::string_view text, const EnvironmentLookup& environment);

}  // namespace cloudsync::config

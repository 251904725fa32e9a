// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace cloudsync::config {

// The variable's value; nothing when it is unset (an empty one is set).
std::optional<std::string> process_environment(const std::string& name);

}  // namespace cloudsync::config

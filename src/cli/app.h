// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/arguments.h"

namespace cloudsync::cli {

// A command to run, or a text to print instead (--help, --version).
struct ParsedCommandLine {
  std::optional<Arguments> arguments;
  std::string text;
};

// Reads the arguments behind the program's name. Throws Error{kInvalidArgument} that
// names the argument, what it takes, and where to read on.
ParsedCommandLine parse_command_line(const std::vector<std::string>& arguments);

}  // namespace cloudsync::cli

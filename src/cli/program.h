// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace cloudsync::cli {

// The program behind main(): reads the arguments, runs the command, turns what it throws
// into a message on stderr and an exit code.
int run_program(const std::vector<std::string>& arguments, int out_fd, int err_fd);

}  // namespace cloudsync::cli

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "base/call_context.h"

namespace cloudsync::base {

struct Subprocess {
  std::vector<std::string> argv;  // never through a shell; argv[0] is searched in PATH
  std::vector<std::pair<std::string, std::string>> extra_environment;
  std::chrono::milliseconds timeout{60000};
  std::size_t max_output = 1 << 20;  // bytes of stdout and of stderr that are kept
};

struct SubprocessResult {
  int exit_code = 0;  // 128 + signal when one ended it
  std::string out;
  std::string err;
};

// Runs a program to its end with /dev/null as stdin and inherits nothing but the
// environment (every other descriptor is closed). Throws Error{kNotFound} when there is
// no such program, kDeadlineExceeded after the timeout and kCancelled when the context
// stops; the program and its group are killed then and reaped.
SubprocessResult run_subprocess(const Subprocess& command, const CallContext& context);

// Splits a command line the way the AWS SDKs do for credential_process: blanks separate,
// double and single quotes group, a backslash escapes inside double quotes and outside
// quotes; no variables, no globbing. Throws Error{kInvalidArgument} for an open quote.
std::vector<std::string> split_command_line(const std::string& line);

}  // namespace cloudsync::base

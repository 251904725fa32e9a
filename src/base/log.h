// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <spdlog/spdlog.h>

namespace cloudsync::base {

// The program's logger: stderr (and a file), warnings and up by default. Secrets registered with
// redact_secret() never reach a sink, wherever they occur in a message.
spdlog::logger& log();

struct LogOptions {
  spdlog::level::level_enum level = spdlog::level::warn;
  std::string file;        // "" = none; appended to, mode 0600
  bool to_stderr = true;
};
void configure_log(const LogOptions& options);

void redact_secret(std::string_view secret);          // ignored below 4 characters
std::string redacted(std::string_view text);          // with every registered secret as "***"

}  // namespace cloudsync::base

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/arguments.h"

namespace cloudsync::cli {

// One of --include, --exclude, --filter, --filter-from; kept in command-line order.
struct FilterFlag {
  enum class Kind { kInclude, kExclude, kRule, kFile } kind = Kind::kRule;
  std::string value;
};

// The command line as typed: what was found, not yet what it means.
struct RawFlags {
  std::optional<Command> command;
  std::optional<std::string> config, local_dir, cloud_prefix;
  std::optional<std::string> max_delete, conflict_strategy, max_workers, keep, log_file;
  std::optional<bool> deletes, progress;
  std::vector<std::string> force;
  std::vector<FilterFlag> filters;
  std::string path;
  bool dry_run = false, mirror = false, checksum = false, size_only = false;
  bool ignore_unsafe = false;
  bool ignore_stored_md5 = false;
  bool quiet = false, json = false, connect = false;
  int verbosity = 0;
};

// Checks what no single flag can check and converts the values.
// Throws Error{kInvalidArgument} naming the flag.
Arguments to_arguments(const RawFlags& raw);

}  // namespace cloudsync::cli

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cloudsync/cloud_sync.h"

namespace cloudsync::cli {

enum class Command {
  kUpload,
  kDownload,
  kSync,
  kStatus,
  kRetry,
  kLs,
  kConflictsList,
  kConflictsShow,
  kConflictsResolve,
  kConfigCheck,
};

std::string command_name(Command command);  // "conflicts resolve"
bool is_transfer(Command command);          // upload, download, sync

// How a command talks to the user.
struct OutputOptions {
  bool json = false;
  bool quiet = false;
  int verbosity = 0;             // one for each -v
  std::optional<bool> progress;  // nothing = on a terminal
  std::string log_file;          // absolute, "" = none
};

// The command line, checked and converted. Callbacks and the stop token of `run` are
// still empty.
struct Arguments {
  Command command = Command::kStatus;
  std::optional<std::string> config_file;
  OutputOptions output;
  std::optional<std::string> local_dir;
  std::optional<std::string> cloud_prefix;
  RunOptions run;
  std::map<std::string, std::string> config_flags;  // values by configuration key
  std::string path;                                 // ls: prefix; conflicts: the path
  Keep keep = Keep::kLocal;
  bool connect = false;
};

}  // namespace cloudsync::cli

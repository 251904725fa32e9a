// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/output/console.h"
#include "cli/signals.h"
#include "cloudsync/config.h"

namespace cloudsync::cli {

// What every command works with.
struct Session {
  const Arguments& arguments;
  Console& console;
  SignalWatcher& signals;
};

// The configuration that --config or the ordinary places name, with the command line's
// values.
LoadedConfig load_configuration(const Arguments& arguments);

// The engine, connected.
std::unique_ptr<CloudSyncEngine> connect_engine(const LoadedConfig& loaded);

// The pairs that --local-dir and --cloud-prefix choose; all of them without these flags.
std::vector<PairRecord> chosen_pairs(const Arguments& arguments,
                                     const std::vector<PairRecord>& pairs);

// Sends the program's log to the console, so that it never tears the progress block, and
// to the log file, as long as it lives.
class LogRoute {
 public:
  LogRoute(const OutputOptions& options, Console& console);
  ~LogRoute();
  LogRoute(const LogRoute&) = delete;
  LogRoute& operator=(const LogRoute&) = delete;
};

}  // namespace cloudsync::cli

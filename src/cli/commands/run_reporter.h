// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/output/progress_display.h"
#include "cli/session.h"

namespace cloudsync::cli {

// Tells the user about a run: actions and progress as they come, the summary at the end.
// The callbacks refer to it, so it must outlive the run.
class RunReporter {
 public:
  RunReporter(const Session& session, const std::string& title);

  // The run's options with stop token and callbacks.
  RunOptions options();

  // Prints what stopped the run, notices and the summary; returns the exit code.
  int finish(const SyncProgress& progress);

 private:
  void on_action(const ActionEvent& event);

  const Session& session_;
  ProgressDisplay display_;
};

}  // namespace cloudsync::cli

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "cli/output/console.h"
#include "cli/output/progress_text.h"

namespace cloudsync::cli {

// Shows a run's progress: redrawn in place on a terminal; a line now and then where it
// was asked for (--progress) but stderr is no terminal; nothing otherwise. Not
// thread-safe: the engine never calls twice at once.
class ProgressDisplay {
 public:
  ProgressDisplay(Console& console, std::string title, std::optional<bool> wanted);
  ~ProgressDisplay();
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

  bool enabled() const { return enabled_; }
  void show(const ProgressSnapshot& snapshot);

 private:
  Console& console_;
  std::string title_;
  bool enabled_;
  RateMeter meter_;
  double next_line_seconds_ = 0;
};

}  // namespace cloudsync::cli

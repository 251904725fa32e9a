// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cli/output/console.h"
#include "cloudsync/cloud_sync.h"

namespace cloudsync::cli {

struct ProgressView {
  ProgressSnapshot snapshot;
  std::string title;  // "upload"
  double bytes_per_second = 0;
};

// One line: share, files, bytes, rate, time left. Never wider than `columns`.
std::string progress_line(const ProgressView& view, std::size_t columns);

// The whole block for a terminal: the line above, how far the comparison is, files in
// flight.
std::vector<std::string> progress_block(const ProgressView& view,
                                        const TerminalSize& terminal);

// A rate that follows changes within seconds without jumping at every file.
class RateMeter {
 public:
  // Returns bytes a second after this reading.
  double update(std::uint64_t total_bytes, double seconds);

 private:
  double rate_ = 0;
  double last_seconds_ = 0;
  std::uint64_t last_bytes_ = 0;
  bool started_ = false;
};

}  // namespace cloudsync::cli

// SPDX-License-Identifier: Apache-2.0
#include "cli/output/progress_display.h"

namespace cloudsync::cli {
namespace {

constexpr double kSecondsBetweenLines = 10;
constexpr std::size_t kLineWidth = 200;

}  // namespace

ProgressDisplay::ProgressDisplay(Console& console, std::string title,
                                 std::optional<bool> wanted)
    : console_(console),
      title_(std::move(title)),
      enabled_(wanted.value_or(console.err_is_terminal())),
      next_line_seconds_(kSecondsBetweenLines) {}

ProgressDisplay::~ProgressDisplay() { console_.draw({}); }

void ProgressDisplay::show(const ProgressSnapshot& snapshot) {
  if (!enabled_) return;
  const ProgressView view{
      .snapshot = snapshot,
      .title = title_,
      .bytes_per_second = meter_.update(snapshot.done_bytes, snapshot.seconds)};
  if (console_.err_is_terminal()) {
    console_.draw(progress_block(view, console_.terminal_size()));
  } else if (snapshot.seconds >= next_line_seconds_) {
    next_line_seconds_ = snapshot.seconds + kSecondsBetweenLines;
    console_.err_line(progress_line(view, kLineWidth));
  }
}

}  // namespace cloudsync::cli

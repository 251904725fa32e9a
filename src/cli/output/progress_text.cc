// SPDX-License-Identifier: Apache-2.0
#include "cli/output/progress_text.h"

#include <algorithm>
#include <cmath>

#include "base/encoding.h"
#include "cli/output/quantities.h"

namespace cloudsync::cli {
namespace {

constexpr std::size_t kBarWidth = 20;
constexpr std::size_t kMostNames = 4;
constexpr double kSmoothingSeconds = 5;

// What is done and what will have been done; a partial file counts in both.
struct Totals {
  std::uint64_t files;
  std::uint64_t bytes;
  double share;  // 0 to 1
};

Totals totals_of(const ProgressSnapshot& snapshot) {
  const Totals totals{snapshot.done_files + snapshot.pending_files,
                      snapshot.done_bytes + snapshot.pending_bytes, 0};
  double share = 0;
  if (totals.bytes > 0) {
    share = static_cast<double>(snapshot.done_bytes) / static_cast<double>(totals.bytes);
  } else if (totals.files > 0) {
    share = static_cast<double>(snapshot.done_files) / static_cast<double>(totals.files);
  }
  return {totals.files, totals.bytes, std::clamp(share, 0.0, 1.0)};
}

std::string bar(double share) {
  const auto full = static_cast<std::size_t>(share * static_cast<double>(kBarWidth));
  return "[" + std::string(full, '#') + std::string(kBarWidth - full, '-') + "]";
}

std::string time_left(const ProgressView& view) {
  const auto& snapshot = view.snapshot;
  if (snapshot.pending_bytes == 0 || view.bytes_per_second < 1) return "";
  const double left = static_cast<double>(snapshot.pending_bytes) / view.bytes_per_second;
  // While the listing goes on, more may come: the time is a lower bound.
  return std::string(", ETA ") + (snapshot.listing_complete ? "" : ">") +
         format_duration(left);
}

std::string checked_line(const ProgressSnapshot& snapshot) {
  std::string text = "checked " + format_count(snapshot.checked_files);
  if (snapshot.total_files > snapshot.checked_files) {
    text += " of about " + format_count(snapshot.total_files);
  }
  return text + " files";
}

}  // namespace

std::string progress_line(const ProgressView& view, std::size_t columns) {
  const ProgressSnapshot& snapshot = view.snapshot;
  const Totals totals = totals_of(snapshot);
  if (totals.files == 0) {
    return fit(view.title + ": " + checked_line(snapshot) + ", " +
                   format_duration(snapshot.seconds),
               columns);
  }
  // "12+": more may be found.
  const std::string more = snapshot.listing_complete ? "" : "+";
  const std::string figures =
      format_count(snapshot.done_files) + "/" + format_count(totals.files) + more +
      " files, " + format_bytes(snapshot.done_bytes) + " of " +
      format_bytes(totals.bytes) + more + ", " +
      format_bytes(static_cast<std::uint64_t>(view.bytes_per_second)) + "/s" +
      time_left(view);
  const std::string percent =
      std::to_string(static_cast<int>(std::floor(totals.share * 100))) + "%";
  const std::string line =
      view.title + ": " + percent + " " + bar(totals.share) + " " + figures;
  if (display_width(line) <= columns) return line;
  return fit(percent + " " + figures, columns);
}

std::vector<std::string> progress_block(const ProgressView& view,
                                        const TerminalSize& terminal) {
  // A line as wide as the terminal would wrap on some; a block as high as it would
  // scroll.
  const std::size_t columns = std::max<std::size_t>(terminal.columns, 2) - 1;
  std::vector<std::string> lines{progress_line(view, columns)};
  const bool comparing =
      !view.snapshot.listing_complete && view.snapshot.pending_files > 0;
  if (comparing && terminal.rows > 3) {
    lines.push_back(fit("  " + checked_line(view.snapshot), columns));
  }
  for (const std::string& path : view.snapshot.in_flight) {
    if (lines.size() >= kMostNames + 2 || lines.size() + 2 >= terminal.rows) break;
    lines.push_back(fit("  " + base::printable(path), columns));
  }
  return lines;
}

double RateMeter::update(std::uint64_t total_bytes, double seconds) {
  const double passed = seconds - last_seconds_;
  if (passed <= 0) return rate_;
  // A failed try takes its bytes back; that is no negative speed.
  const double moved =
      total_bytes > last_bytes_ ? static_cast<double>(total_bytes - last_bytes_) : 0;
  const double now = moved / passed;
  const double weight = started_ ? 1 - std::exp(-passed / kSmoothingSeconds) : 1;
  rate_ += weight * (now - rate_);
  started_ = started_ || total_bytes > 0;
  last_seconds_ = seconds;
  last_bytes_ = total_bytes;
  return rate_;
}

}  // namespace cloudsync::cli

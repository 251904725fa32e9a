// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/time_range.h"
#include "cli/output/json_output.h"
#include "cli/output/quantities.h"
#include "cli/output/text_output.h"

namespace cloudsync::cli {
namespace {

const PairRecord* find_pair(const StatusView& view, PairId id) {
  for (const PairRecord& pair : view.pairs) {
    if (pair.id == id) return &pair;
  }
  return nullptr;
}

std::string pair_name(const PairRecord& pair) {
  return base::printable(pair.identity.local_root) + " <-> " + pair.identity.provider +
         " " + base::printable(pair.identity.container) + "/" +
         base::printable(pair.identity.prefix);
}

// The counts of a stored summary that say what a run did: "uploaded 3, failed 1".
std::string run_counts(const std::string& stats) {
  const auto json = nlohmann::json::parse(stats, nullptr, false);
  if (!json.is_object()) return "";
  std::string text;
  for (const char* name : {"uploaded", "downloaded", "deleted_local", "deleted_remote",
                           "unchanged", "conflicts_open", "failed"}) {
    const auto found = json.find(name);
    if (found == json.end() || !found->is_number_unsigned() || *found == 0) continue;
    text += std::string(text.empty() ? "" : ", ") + name + " " +
            format_count(found->get<std::uint64_t>());
  }
  return text;
}

std::string run_line(const StatusView& view, const RunRow& run) {
  const PairRecord* pair = find_pair(view, run.pair);
  const double seconds =
      static_cast<double>(base::time_difference(run.ended_ns, run.started_ns)) / 1e9;
  const std::string outcome = run.outcome == RunOutcome::kRunning
                                  ? "running, or cut off"
                                  : std::string(run_outcome_name(run));
  std::string text =
      fmt::format("  {:20}  {:8}  {:8}  {:>8}", format_time(run.started_ns), run.command,
                  outcome, run.ended_ns == 0 ? "-" : format_duration(seconds));
  if (const std::string counts = run_counts(run.stats); !counts.empty())
    text += "  " + counts;
  if (pair != nullptr && view.pairs.size() > 1) text += "  " + pair_name(*pair);
  return text + "\n";
}

std::string totals(const StatusView& view) {
  const SyncStatistics& all = view.statistics;
  return "database       " + base::printable(view.database) + "\nin step        " +
         plural(all.total_files, "file") + ", " + format_bytes(all.total_bytes) +
         "\nmoved in all   " + format_bytes(all.total_bytes_synced) + " in " +
         plural(all.total_operations, "operation") + "\nfailures       " +
         format_count(all.recent_failures_24h) + " in the last 24 hours" +
         "\nconflicts      " + format_count(all.open_conflicts) + " open" +
         "\ninterrupted    " + plural(all.interrupted_transfers, "transfer") + "\n";
}

std::string failure_line(const FailedRecord& failure) {
  return "  " + base::printable(failure.local_path) + ": " +
         std::string(action_name(failure.action)) + " failed " +
         format_time(failure.failed_at_ns) + " after " +
         plural(static_cast<std::uint64_t>(failure.attempts), "attempt") + ": " +
         base::printable(failure.error_text) + " (" + failure.error_code + ")\n";
}

std::string details(const StatusView& view) {
  std::string text = "\nfailed\n";
  for (const FailedRecord& failure : view.failures) text += failure_line(failure);
  if (view.failures.empty()) text += "  none\n";
  text += "\nopen conflicts\n";
  for (const ConflictRow& conflict : view.conflicts)
    text += "  " + conflict_line(conflict) + "\n";
  if (view.conflicts.empty()) text += "  none\n";
  text += "\ninterrupted transfers\n";
  for (const TransferRow& transfer : view.transfers) {
    text += "  " + base::printable(transfer.key) + ": " +
            std::string(action_name(transfer.direction)) + " of " +
            format_bytes(transfer.size) + ", begun " + format_time(transfer.started_ns) +
            "\n";
  }
  if (view.transfers.empty()) text += "  none\n";
  return text;
}

std::string unsafe_lines(const StatusView& view) {
  std::string text = "\nnot to be held by the other side\n";
  for (const UnsafeNames& names : view.unsafe) {
    const PairRecord* pair = find_pair(view, names.pair);
    if (pair != nullptr && view.pairs.size() > 1) text += "  " + pair_name(*pair) + "\n";
    for (const std::string& path : names.paths)
      text += "  " + base::printable(path) + "\n";
    if (names.count > names.paths.size()) {
      text += "  and " + format_count(names.count - names.paths.size()) + " more\n";
    }
  }
  if (view.unsafe.empty()) text += "  none\n";
  return text;
}

}  // namespace

std::optional<UnsafeNames> unsafe_names(const RunRow& run) {
  const auto json = nlohmann::json::parse(run.stats, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  const auto paths = json.find("unsafe_paths");
  if (paths == json.end() || !paths->is_array()) return std::nullopt;
  UnsafeNames names;
  names.pair = run.pair;
  for (const auto& path : *paths) {
    const auto* text = path.get_ptr<const std::string*>();
    if (text == nullptr) continue;
    names.paths.push_back(base::percent_decode(*text));
  }
  std::sort(names.paths.begin(), names.paths.end());
  const auto count = json.find("unsafe");
  const bool counted = count != json.end() && count->is_number_unsigned();
  names.count = counted ? count->get<std::uint64_t>() : names.paths.size();
  return names;
}

std::string status_text(const StatusView& view) {
  std::string text = totals(view) + "\npairs\n";
  for (const PairRecord& pair : view.pairs) {
    text += "  " + pair_name(pair) + "  " + plural(pair.entries, "file") + ", " +
            format_bytes(pair.bytes) + "\n";
  }
  if (view.pairs.empty()) text += "  none\n";
  text += "\nlast runs\n";
  for (const RunRow& run : view.runs) text += run_line(view, run);
  if (view.runs.empty()) text += "  none\n";
  if (view.verbose) text += details(view) + unsafe_lines(view);
  text.pop_back();
  return text;
}

}  // namespace cloudsync::cli

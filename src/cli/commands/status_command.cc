// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "cli/commands/commands.h"
#include "cli/output/json_output.h"
#include "cli/output/text_output.h"

namespace cloudsync::cli {
namespace {

constexpr int kShownRuns = 10;
constexpr int kSearchedRuns = 1000;

const PairRecord* find(const std::vector<PairRecord>& pairs, PairId id) {
  for (const PairRecord& pair : pairs) {
    if (pair.id == id) return &pair;
  }
  return nullptr;
}

template <class Row>
void keep_chosen(std::vector<Row>& rows, const std::vector<PairRecord>& pairs) {
  std::erase_if(rows, [&](const Row& row) { return find(pairs, row.pair) == nullptr; });
}

// Of the newest run of each pair that looked at everything.
std::vector<UnsafeNames> left_out(const std::vector<RunRow>& runs) {
  std::vector<UnsafeNames> all;
  std::set<PairId> seen;
  for (const RunRow& run : runs) {
    if (seen.contains(run.pair)) continue;
    auto names = unsafe_names(run);
    if (!names) continue;
    seen.insert(run.pair);
    if (names->count > 0) all.push_back(std::move(*names));
  }
  return all;
}

StatusView read_status(const SyncStateDatabase& state, const Arguments& arguments) {
  StatusView view{.database = state.path(),
                  .statistics = state.get_sync_statistics(),
                  .pairs = chosen_pairs(arguments, state.pairs()),
                  .runs = state.recent_runs(kSearchedRuns),
                  .verbose = arguments.output.verbosity > 0,
                  .failures = {},
                  .conflicts = {},
                  .transfers = {},
                  .unsafe = {}};
  if (view.verbose) {
    view.failures = state.failures(std::nullopt);
    view.conflicts = state.conflicts(std::nullopt);
    view.transfers = state.transfers(std::nullopt);
  }
  keep_chosen(view.runs, view.pairs);
  if (view.verbose) view.unsafe = left_out(view.runs);
  keep_chosen(view.failures, view.pairs);
  keep_chosen(view.conflicts, view.pairs);
  keep_chosen(view.transfers, view.pairs);
  if (view.runs.size() > kShownRuns) view.runs.resize(kShownRuns);
  return view;
}

void print_json(const StatusView& view, Console& console) {
  console.out_line(status_json(view.database, view.statistics));
  for (const PairRecord& pair : view.pairs) console.out_line(pair_json(pair));
  for (const RunRow& run : view.runs)
    console.out_line(run_json(run, find(view.pairs, run.pair)));
  for (const FailedRecord& failure : view.failures)
    console.out_line(failure_json(failure));
  for (const ConflictRow& row : view.conflicts) {
    console.out_line(conflict_json(row, find(view.pairs, row.pair)));
  }
  for (const TransferRow& transfer : view.transfers)
    console.out_line(transfer_json(transfer));
  for (const UnsafeNames& names : view.unsafe) {
    for (const std::string& path : names.paths)
      console.out_line(unsafe_json(path, find(view.pairs, names.pair)));
  }
}

}  // namespace

int run_status_command(const Session& session) {
  const LoadedConfig loaded = load_configuration(session.arguments);
  const auto state =
      open_state_database(loaded.config.sync_state_db, OpenMode::kReadOnly);
  for (const std::string& notice : state->notices()) {
    session.console.message(notice);
  }
  const StatusView view = read_status(*state, session.arguments);
  if (session.arguments.output.json) {
    print_json(view, session.console);
  } else {
    session.console.out_line(status_text(view));
  }
  return 0;
}

}  // namespace cloudsync::cli

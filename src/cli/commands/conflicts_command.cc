// SPDX-License-Identifier: Apache-2.0
#include "base/encoding.h"
#include "cli/commands/commands.h"
#include "cli/commands/run_reporter.h"
#include "cli/output/json_output.h"
#include "cli/output/text_output.h"

namespace cloudsync::cli {
namespace {

struct OpenConflict {
  PairRecord pair;
  ConflictRow row;
};

std::vector<OpenConflict> open_conflicts(const Session& session,
                                         const std::string& database) {
  const auto state = open_state_database(database, OpenMode::kReadOnly);
  std::vector<OpenConflict> result;
  for (const PairRecord& pair : chosen_pairs(session.arguments, state->pairs())) {
    for (ConflictRow& row : state->conflicts(pair.id))
      result.push_back({pair, std::move(row)});
  }
  return result;
}

bool several_pairs(const std::vector<OpenConflict>& conflicts) {
  for (const OpenConflict& conflict : conflicts) {
    if (conflict.pair.id != conflicts.front().pair.id) return true;
  }
  return false;
}

// The conflict that PATH names, in whichever pair has it.
OpenConflict find_conflict(const Session& session, const std::string& database) {
  const std::string path = base::printable(session.arguments.path);
  std::vector<OpenConflict> found = open_conflicts(session, database);
  std::erase_if(found, [&](const OpenConflict& conflict) {
    return conflict.row.key != session.arguments.path;
  });
  if (found.size() == 1) return found.front();
  if (found.empty()) {
    throw Error(
        ErrorCode::kInvalidArgument,
        "no open conflict at '" + path +
            "'; 'cloudsync conflicts list' has those there are, with paths from the "
            "local folder on");
  }
  throw Error(ErrorCode::kInvalidArgument,
              "several pairs have an open conflict at '" + path +
                  "'; choose one with --local-dir or --cloud-prefix");
}

void list(const Session& session, const std::string& database) {
  const auto conflicts = open_conflicts(session, database);
  const bool name_pairs = several_pairs(conflicts);
  const OutputOptions& output = session.arguments.output;
  for (const OpenConflict& conflict : conflicts) {
    const PairRecord* pair = name_pairs ? &conflict.pair : nullptr;
    std::string line =
        output.json ? conflict_json(conflict.row, pair) : conflict_line(conflict.row);
    if (!output.json && name_pairs) {
      line += "  [" + base::printable(conflict.pair.identity.local_root) + "]";
    }
    session.console.out_line(line);
  }
  if (conflicts.empty() && !output.json && !output.quiet) {
    session.console.out_line("no open conflicts");
  }
}

void show(const Session& session, const std::string& database) {
  const OpenConflict conflict = find_conflict(session, database);
  session.console.out_line(session.arguments.output.json
                               ? conflict_json(conflict.row)
                               : conflict_details(conflict.row, conflict.pair));
}

int resolve(const Session& session, const LoadedConfig& loaded) {
  const OpenConflict conflict = find_conflict(session, loaded.config.sync_state_db);
  const auto engine = connect_engine(loaded);
  RunReporter reporter(session, "conflicts resolve");
  const RunOptions options = reporter.options();
  const SignalWatcher::GracefulScope graceful(session.signals);
  SyncProgress progress = engine->resolve_conflict(conflict.pair, session.arguments.path,
                                                   session.arguments.keep, options);
  progress.command = command_name(Command::kConflictsResolve);
  return reporter.finish(progress);
}

}  // namespace

int run_conflicts_command(const Session& session) {
  const LoadedConfig loaded = load_configuration(session.arguments);
  switch (session.arguments.command) {
    case Command::kConflictsResolve:
      return resolve(session, loaded);
    case Command::kConflictsShow:
      show(session, loaded.config.sync_state_db);
      return 0;
    default:
      list(session, loaded.config.sync_state_db);
      return 0;
  }
}

}  // namespace cloudsync::cli

// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/commands.h"
#include "cli/commands/merged_progress.h"
#include "cli/commands/run_reporter.h"

namespace cloudsync::cli {
namespace {

std::vector<PairRecord> pairs_with_failures(const Session& session,
                                            const std::string& database) {
  const auto state = open_state_database(database, OpenMode::kReadOnly);
  const std::vector<PairRecord> all = state->pairs();
  std::vector<PairRecord> chosen = chosen_pairs(session.arguments, all);
  const bool named = session.arguments.local_dir || session.arguments.cloud_prefix;
  if (chosen.empty() && named) {
    throw Error(ErrorCode::kInvalidArgument,
                "the database " + state->path() +
                    " knows no such pair; 'cloudsync status' lists those it knows");
  }
  std::erase_if(chosen,
                [&](const PairRecord& pair) { return state->failures(pair.id).empty(); });
  return chosen;
}

// One database may serve several buckets; this engine reaches one.
void drop_other_buckets(const Session& session, const CloudSyncEngine& engine,
                        std::vector<PairRecord>& pairs) {
  std::erase_if(pairs, [&](const PairRecord& pair) {
    const PairIdentity& known = pair.identity;
    if (engine.identity(known.local_root, known.prefix) == known) return false;
    session.console.message(known.local_root + " belongs to " + known.provider + " " +
                            known.container +
                            ", not to this configuration's bucket; it is left out");
    return true;
  });
}

}  // namespace

int run_retry_command(const Session& session) {
  const LoadedConfig loaded = load_configuration(session.arguments);
  std::vector<PairRecord> pairs =
      pairs_with_failures(session, loaded.config.sync_state_db);
  RunReporter reporter(session, "retry");
  SyncProgress all;
  all.command = "retry";
  all.dry_run = session.arguments.run.dry_run;
  if (!pairs.empty()) {
    const auto engine = connect_engine(loaded);
    drop_other_buckets(session, *engine, pairs);
    const RunOptions options = reporter.options();
    const SignalWatcher::GracefulScope graceful(session.signals);
    for (const PairRecord& pair : pairs) {
      add_progress(all, engine->retry_failed(pair, options));
      if (all.stopped || all.fatal) break;
    }
    return reporter.finish(all);
  }
  if (session.arguments.output.json) return reporter.finish(all);
  if (!session.arguments.output.quiet)
    session.console.out_line("retry: nothing has failed");
  return 0;
}

}  // namespace cloudsync::cli

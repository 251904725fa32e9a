// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/commands.h"
#include "cli/commands/run_reporter.h"
#include "sync/run/pair_paths.h"

namespace cloudsync::cli {
namespace {

SyncProgress run_engine(CloudSyncEngine& engine, const Arguments& arguments,
                        const RunOptions& options) {
  switch (arguments.command) {
    case Command::kUpload:
      return engine.upload_directory(*arguments.local_dir, *arguments.cloud_prefix,
                                     options);
    case Command::kDownload:
      return engine.download_directory(*arguments.cloud_prefix, *arguments.local_dir,
                                       options);
    default:
      return engine
          .sync_bidirectional(*arguments.local_dir, *arguments.cloud_prefix, options)
          .first;
  }
}

// "raw" and "raw/" are the same folder; without the slash "raw-old/" would look like part
// of it.
void say_normal_prefix(const Session& session) {
  const std::string& given = *session.arguments.cloud_prefix;
  const std::string used = sync::normal_prefix(given);
  if (used == given || session.arguments.output.quiet) return;
  session.console.message("the prefix '" + given + "' is taken as '" + used + "'");
}

}  // namespace

int run_transfer_command(const Session& session) {
  const LoadedConfig loaded = load_configuration(session.arguments);
  say_normal_prefix(session);
  const auto engine = connect_engine(loaded);
  RunReporter reporter(session, command_name(session.arguments.command));
  const RunOptions options = reporter.options();
  const SignalWatcher::GracefulScope graceful(session.signals);
  return reporter.finish(run_engine(*engine, session.arguments, options));
}

}  // namespace cloudsync::cli

// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/commands.h"
#include "cli/output/json_output.h"
#include "cli/output/text_output.h"

namespace cloudsync::cli {

int run_config_command(const Session& session) {
  const OutputOptions& output = session.arguments.output;
  const LoadedConfig loaded = load_configuration(session.arguments);
  if (output.json) {
    for (const ConfigValue& value : loaded.values) {
      session.console.out_line(config_value_json(value));
    }
  } else if (!output.quiet) {
    session.console.out_line(config_table(loaded.values));
  }
  const auto engine = SyncEngineBuilder::from_config(loaded.config);
  if (!session.arguments.connect) return 0;
  engine->cloud_storage().connect();
  if (!output.json && !output.quiet) {
    session.console.out_line("reached " + engine->cloud_storage().describe());
  }
  return 0;
}

}  // namespace cloudsync::cli

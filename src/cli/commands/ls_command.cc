// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/commands.h"
#include "cli/output/json_output.h"
#include "cli/output/text_output.h"

namespace cloudsync::cli {

int run_ls_command(const Session& session) {
  const Arguments& arguments = session.arguments;
  const std::shared_ptr<CloudStorage> storage =
      make_cloud_storage(load_configuration(arguments).config.storage);
  storage->connect();
  storage->for_each_file(arguments.path, [&](const CloudFile& file) {
    session.console.out_line(arguments.output.json ? object_json(file)
                                                   : object_line(file));
    return !session.console.out_closed();
  });
  return 0;
}

}  // namespace cloudsync::cli

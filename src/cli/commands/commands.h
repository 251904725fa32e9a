// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/session.h"

namespace cloudsync::cli {

// Each runs one command to its end and returns the process's exit code. Throws Error for
// what ended it early.
int run_transfer_command(const Session& session);  // upload, download, sync
int run_retry_command(const Session& session);
int run_status_command(const Session& session);
int run_ls_command(const Session& session);
int run_conflicts_command(const Session& session);  // list, show, resolve
int run_config_command(const Session& session);     // check

}  // namespace cloudsync::cli

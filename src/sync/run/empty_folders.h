// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "sync/run/run_context.h"

namespace cloudsync::sync {

// Removes a folder that holds nothing but folders, with what the database knows of them.
// False when there is anything else in it: then nothing is touched.
bool remove_empty_folders(const RunContext& context, const std::string& path);

}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cloudsync/cloud_sync.h"

namespace cloudsync::sync {

// The summary record of INTERFACE ("type":"summary", ...) on one line; also kept with
// each run.
std::string summary_json(const SyncProgress& progress);

}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cloudsync/cloud_sync.h"

namespace cloudsync::sync {

// The summary record of INTERFACE ("type":"summary", ...) on one line.
std::string summary_json(const SyncProgress& progress);
// As it is kept with each run. Where all keys were decided the names that were left out
// as unsafe are in it, percent-encoded since they need not be text: "unsafe_paths".
std::string stored_summary(const SyncProgress& progress, bool all_keys);

}  // namespace cloudsync::sync

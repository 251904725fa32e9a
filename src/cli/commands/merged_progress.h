// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cloudsync/cloud_sync.h"

namespace cloudsync::cli {

// Adds what one pair's run did to the summary of several. The first brake and the first
// fatal error are kept; the command's name stays.
void add_progress(SyncProgress& all, const SyncProgress& one);

}  // namespace cloudsync::cli

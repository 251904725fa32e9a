// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/concurrency_controller.h"
#include "cloudsync/cloud_sync.h"

namespace cloudsync::sync {

// The search for the best number of requests in flight, or the configured one. The search
// ends where this process would run out of file descriptors.
base::ConcurrencyController::Options concurrency_options(const EngineOptions& engine);

}  // namespace cloudsync::sync

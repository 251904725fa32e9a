// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cloudsync/cloud_sync.h"

namespace cloudsync::cli {

inline constexpr int kExitInternal = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitIncomplete = 3;

// The exit code of a program that ended with this error; `signal` is the one that asked
// it to stop, 0 = none.
int exit_code_of(const Error& error, int signal);

// The same for a run that came to its end.
int exit_code_of(const SyncProgress& progress, int signal);

}  // namespace cloudsync::cli

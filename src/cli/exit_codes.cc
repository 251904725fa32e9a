// SPDX-License-Identifier: Apache-2.0
#include "cli/exit_codes.h"

#include <csignal>

namespace cloudsync::cli {
namespace {

int stopped_by(int signal) { return 128 + (signal == 0 ? SIGINT : signal); }

}  // namespace

int exit_code_of(const Error& error, int signal) {
  return error.code() == ErrorCode::kCancelled ? stopped_by(signal) : exit_code(error);
}

int exit_code_of(const SyncProgress& progress, int signal) {
  return progress.stopped ? stopped_by(signal) : exit_code(progress);
}

}  // namespace cloudsync::cli

// SPDX-License-Identifier: Apache-2.0
#include "cli/exit_codes.h"

#include <csignal>

namespace cloudsync::cli {
namespace {

int stopped_by(int signal) { return 128 + (signal == 0 ? SIGINT : signal); }

// A file of this machine that may not be read is one item's failure; a bucket is the
// credentials'.
bool concerns_service(const Error& error) {
  return error.detail().http_status != 0 || !error.detail().provider_code.empty();
}

}  // namespace

int exit_code_of(const Error& error, int signal) {
  switch (error.code()) {
    case ErrorCode::kCancelled:
      return stopped_by(signal);
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kNotFound:
    case ErrorCode::kUnsupported:
      return kExitUsage;
    case ErrorCode::kLocked:
      return 7;
    case ErrorCode::kUnauthenticated:
      return 10;
    case ErrorCode::kPermissionDenied:
      return concerns_service(error) ? 10 : kExitIncomplete;
    case ErrorCode::kUnavailable:
    case ErrorCode::kThrottled:
    case ErrorCode::kDeadlineExceeded:
      return 11;
    case ErrorCode::kBrake:
      return 5;
    case ErrorCode::kDiskFull:
    case ErrorCode::kLocalIo:
    case ErrorCode::kDataCorrupt:
    case ErrorCode::kArchived:
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kPreconditionFailed:
      return kExitIncomplete;
    case ErrorCode::kInternal:
      return kExitInternal;
  }
  return kExitInternal;
}

int exit_code_of(const SyncProgress& progress, int signal) {
  return progress.stopped ? stopped_by(signal) : exit_code(progress);
}

}  // namespace cloudsync::cli

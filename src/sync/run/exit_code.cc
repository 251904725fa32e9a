// SPDX-License-Identifier: Apache-2.0
#include "cloudsync/cloud_sync.h"

namespace cloudsync {

namespace {

// A file of this machine that may not be read is one item's failure; a bucket is the
// credentials'.
bool concerns_service(const Error& error) {
  return error.detail().http_status != 0 || !error.detail().provider_code.empty();
}

}  // namespace

int exit_code(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kCancelled:
      return 130;
    case ErrorCode::kUnauthenticated:
      return 10;
    case ErrorCode::kPermissionDenied:
      return concerns_service(error) ? 10 : 3;
    case ErrorCode::kUnavailable:
    case ErrorCode::kThrottled:
    case ErrorCode::kDeadlineExceeded:
      return 11;
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kNotFound:
    case ErrorCode::kUnsupported:
      return 2;
    case ErrorCode::kLocked:
      return 7;
    case ErrorCode::kBrake:
      return 5;
    case ErrorCode::kDiskFull:
    case ErrorCode::kLocalIo:
    case ErrorCode::kDataCorrupt:
    case ErrorCode::kArchived:
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kPreconditionFailed:
      return 3;
    case ErrorCode::kInternal:
      return 1;
  }
  return 1;
}

int exit_code(const SyncProgress& progress) {
  if (progress.stopped) return 130;
  const int fatal = progress.fatal ? exit_code(*progress.fatal) : 0;
  if (fatal == 1 || fatal == 10 || fatal == 11 || fatal == 2 || fatal == 7) return fatal;
  if (progress.brake) return 5;
  // Something archived that was needed here could not be had, or one side cannot hold
  // what the other has: the trees differ.
  if (fatal != 0) return fatal;
  const bool unsafe = progress.unsafe > 0 && !progress.ignore_unsafe;
  if (progress.failed > 0 || progress.archived > 0 || unsafe) return 3;
  return progress.conflicts_open > 0 || progress.stale_resolution ? 4 : 0;
}

}  // namespace cloudsync

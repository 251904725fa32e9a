// SPDX-License-Identifier: Apache-2.0
#include "cloudsync/error.h"

#include <utility>

namespace cloudsync {
namespace {

bool retryable_by_default(ErrorCode code) {
  return code == ErrorCode::kThrottled || code == ErrorCode::kUnavailable ||
         code == ErrorCode::kDataCorrupt;
}

}  // namespace

std::string_view error_code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kCancelled:
      return "cancelled";
    case ErrorCode::kInvalidArgument:
      return "invalid_argument";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kAlreadyExists:
      return "already_exists";
    case ErrorCode::kPreconditionFailed:
      return "precondition_failed";
    case ErrorCode::kPermissionDenied:
      return "permission_denied";
    case ErrorCode::kUnauthenticated:
      return "unauthenticated";
    case ErrorCode::kThrottled:
      return "throttled";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kDeadlineExceeded:
      return "deadline_exceeded";
    case ErrorCode::kDataCorrupt:
      return "data_corrupt";
    case ErrorCode::kArchived:
      return "archived";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kLocalIo:
      return "local_io";
    case ErrorCode::kDiskFull:
      return "disk_full";
    case ErrorCode::kLocked:
      return "locked";
    case ErrorCode::kBrake:
      return "brake";
    case ErrorCode::kInternal:
      return "internal";
  }
  return "internal";
}

Error::Error(ErrorCode code, std::string message, ServiceDetail detail)
    : std::runtime_error(std::move(message)),
      code_(code),
      detail_(std::move(detail)),
      retryable_(retryable_by_default(code)) {}

Error&& Error::with_retryable(bool retryable) && {
  retryable_ = retryable;
  return std::move(*this);
}

Error Error::with_context(std::string_view clause) const {
  std::string message(clause);
  message.append(": ").append(what());
  Error error(code_, std::move(message), detail_);
  error.retryable_ = retryable_;
  return error;
}

}  // namespace cloudsync

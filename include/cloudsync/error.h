// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace cloudsync {

// Codes are chosen by what the caller does next, not by where the failure arose.
enum class ErrorCode {
  kCancelled,           // the stop token fired; state is saved, run again to go on
  kInvalidArgument,     // usage or configuration; fix the input
  kNotFound,            // bucket, object or file is absent where it was required
  kAlreadyExists,       // a name is taken that had to be free
  kPreconditionFailed,  // the other side changed; observe again and decide again
  kPermissionDenied,    // known identity, missing right
  kUnauthenticated,     // credentials refused, expired or missing
  kThrottled,           // the service asks for fewer requests
  kUnavailable,         // network or service failure that may pass
  kDeadlineExceeded,    // the caller's time is over
  kDataCorrupt,         // a checksum or length does not match
  kArchived,            // the object must be restored before it can be read
  kUnsupported,         // the server or file system cannot do this
  kLocalIo,             // a local file system call failed
  kDiskFull,            // ENOSPC or EDQUOT
  kLocked,              // another run holds this pair
  kBrake,               // a safety brake stopped the run
  kInternal,            // a fault of the program
};

// The code's stable spelling in JSON, logs and the database ("not_found", "local_io").
std::string_view error_code_name(ErrorCode code);

// What the service said, verbatim, for people who must talk to its support.
struct ServiceDetail {
  int http_status = 0;
  std::string provider_code;  // "NoSuchBucket", "SlowDown"
  std::string request_id;
  std::optional<std::chrono::milliseconds> retry_after;
};

// The one exception type. `what()` says what failed, where, the service's own words and what to
// do; it never holds a secret. Expected outcomes (absent, precondition failed) are values of the
// result types instead.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, std::string message, ServiceDetail detail = {});

  ErrorCode code() const { return code_; }
  const ServiceDetail& detail() const { return detail_; }
  bool retryable() const { return retryable_; }

  // Retryable by default: throttled, unavailable, data_corrupt. A layer that knows better says so.
  Error&& with_retryable(bool retryable) &&;
  // The same error with one clause in front: "uploading part 3: <message>".
  Error with_context(std::string_view clause) const;

 private:
  ErrorCode code_;
  ServiceDetail detail_;
  bool retryable_;
};

}  // namespace cloudsync

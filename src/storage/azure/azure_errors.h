// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cloudsync/error.h"
#include "storage/azure/azure_requests.h"

namespace cloudsync::storage::azure {

// A refusal in the service's own words: an error document, or only headers (HEAD has no
// body).
struct ServiceFailure {
  int status = 0;
  std::string code;  // x-ms-error-code, else the document's
  std::string message;
  std::string detail;  // AuthenticationErrorDetail
  std::string request_id;
  std::optional<std::int64_t> server_time_ns;
  std::optional<std::chrono::milliseconds> retry_after;
};

// What was tried, for messages.
struct FailureSite {
  Operation operation;
  std::string_view container;
  std::string_view key;
  std::string_view endpoint;
  std::string credentials = {};  // where they come from
};

// What the caller does next about this failure.
ErrorCode classify(const ServiceFailure& failure);

// "Get Blob of "k" in azure://c at https://...": the clause that says where.
std::string describe(const FailureSite& site);

// The failure as an Error that says what failed, where, the service's words and what to
// do. Signatures of URLs that the service repeats are cut out.
Error make_error(const ServiceFailure& failure, const FailureSite& site);

}  // namespace cloudsync::storage::azure

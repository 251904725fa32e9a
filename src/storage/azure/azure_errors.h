// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "cloudsync/error.h"
#include "storage/azure/azure_requests.h"
#include "storage/rest/service_failure.h"

namespace cloudsync::storage::azure {

// A refusal in the service's own words: an error document, or only headers (HEAD has no
// body).
struct ServiceFailure : rest::Refusal {
  std::string code;    // x-ms-error-code, else the document's
  std::string detail;  // AuthenticationErrorDetail
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

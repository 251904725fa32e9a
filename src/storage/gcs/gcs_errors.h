// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "cloudsync/error.h"
#include "storage/gcs/gcs_requests.h"
#include "storage/rest/service_failure.h"

namespace cloudsync::storage::gcs {

// A refusal in the service's own words: a JSON error, a line of text, or only a status.
struct ServiceFailure : rest::Refusal {
  std::string reason;  // "rateLimitExceeded"; "" where there was none
};

// What was tried, for messages.
struct FailureSite {
  Operation operation;
  std::string_view bucket;
  std::string_view key;
  std::string_view endpoint;
  bool authenticated = true;  // a token was sent
};

// What the caller does next about this failure.
ErrorCode classify(const ServiceFailure& failure);

// Both a missing bucket and a missing object are "notFound"; only the words differ.
bool is_missing_bucket(const ServiceFailure& failure);

// "objects.get of "k" in gs://b at https://...": the clause that says where.
std::string describe(const FailureSite& site);

// The failure as an Error that says what failed, where, the service's words and what to
// do.
Error make_error(const ServiceFailure& failure, const FailureSite& site);

}  // namespace cloudsync::storage::gcs

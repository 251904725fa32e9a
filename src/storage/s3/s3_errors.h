// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cloudsync/error.h"
#include "storage/rest/service_failure.h"
#include "storage/s3/s3_requests.h"

namespace cloudsync::storage::s3 {

// A refusal in the service's own words: an error document, or only a status (HEAD has no
// body).
struct ServiceFailure : rest::Refusal {
  std::string code;                          // "" where there was no document
  std::string region;                        // the bucket's, where the answer names it
  std::optional<std::uint64_t> object_size;  // 416 only
  std::string
      credentials;  // where those that were refused come from; "" = none were sent
};

// What was tried, for messages.
struct FailureSite {
  Operation operation;
  std::string_view bucket;
  std::string_view key;
  std::string_view endpoint;
};

// What the caller does next about this failure.
ErrorCode classify(const ServiceFailure& failure);

// "GetObject of "k" in s3://b at https://...": the clause that says where.
std::string describe(const FailureSite& site);

// The failure as an Error that says what failed, where, the service's words and what to
// do.
Error make_error(const ServiceFailure& failure, const FailureSite& site);

}  // namespace cloudsync::storage::s3

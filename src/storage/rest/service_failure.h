// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cloudsync/error.h"

namespace cloudsync::storage::rest {

// A refusal in the service's own words; what the services call its kind is their own.
struct Refusal {
  int status = 0;
  std::string message;
  std::string request_id;
  std::optional<std::int64_t> server_time_ns;
  std::optional<std::chrono::milliseconds> retry_after;
};

// What was tried, for messages.
struct Place {
  std::string_view operation;
  std::string_view key;  // "" = the bucket itself
  std::string_view scheme;
  std::string_view bucket;
  std::string_view endpoint;
};

// "GetObject of "k" in s3://b at https://...": the clause that says where.
std::string describe(const Place& place);

// What a status means where nothing says more.
ErrorCode classify_status(int status);

// The rule of a table of structs with a `provider_code`; nothing where there is none.
template <class Table>
const typename Table::value_type* find_rule(const Table& rules, std::string_view code) {
  const auto rule = std::find_if(rules.begin(), rules.end(), [&](const auto& candidate) {
    return candidate.provider_code == code;
  });
  return rule == rules.end() ? nullptr : &*rule;
}

// "SlowDown: Reduce your rate. (HTTP 503, request id 4442587FB7D0A2F9)". `code` is the
// service's name of the kind.
std::string service_words(std::string_view code, const Refusal& refusal);
// The same for words that are complete but for status and id.
std::string with_status(std::string words, const Refusal& refusal);

// Errors are kept for each file that failed: words that are megabytes long would fill the
// memory of a run.
std::string_view bounded(std::string_view words);

// What a proxy or another service said instead: its first line, cut after `enough` bytes,
// helps to find out who it was.
std::string first_words(std::string_view body, std::size_t enough);

}  // namespace cloudsync::storage::rest

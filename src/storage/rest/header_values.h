// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "http/transport.h"
#include "storage/rest/wire_values.h"

namespace cloudsync::storage::rest {

// What the headers say that all services write alike.

// "" where it is absent.
std::string text_header(const http::HttpResponse& response, std::string_view name);

template <class Value>
Value required(const std::optional<Value>& value, const char* name) {
  if (!value) unreadable(std::string("no valid ") + name + " header");
  return *value;
}

// "bytes first-last/total".
struct ContentRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t total = 0;
};
std::optional<ContentRange> content_range(const http::HttpResponse& response);

// Of the whole object, whether all of it or a range was sent.
std::optional<std::uint64_t> whole_size(const http::HttpResponse& response);

// A clock between 1970 and 2200, so that nothing overflows that is computed with it; what
// says another time tells none.
std::optional<std::int64_t> plausible_time(std::optional<std::int64_t> time_ns);
std::optional<std::int64_t> server_time_ns(const http::HttpResponse& response);

// What the service asks to wait, at most a day: milliseconds in one of its own headers,
// else Retry-After as seconds or as a date.
std::optional<std::chrono::milliseconds> retry_after(
    const http::HttpResponse& response,
    std::initializer_list<std::string_view> millisecond_headers = {});

}  // namespace cloudsync::storage::rest

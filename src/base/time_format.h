// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cloudsync::base {

// All times are nanoseconds since the epoch, UTC. What is parsed lies in the years 1 to 9999, and
// becomes the nearest time that nanoseconds can hold (time_range.h).
std::string format_rfc3339(std::int64_t time_ns);  // 2026-11-23T18:00:00.123456789Z, trimmed zeros
std::optional<std::int64_t> parse_rfc3339(std::string_view text);  // any fraction, Z or offset
std::optional<std::int64_t> parse_http_date(std::string_view text);  // Sun, 06 Nov 1994 08:49:37 GMT
std::string format_http_date(std::int64_t time_ns);
std::string format_compact(std::int64_t time_ns);  // 20261123T180000Z
// Decimal seconds with up to nine fraction digits, trailing zeros trimmed, '-' before 1970.
std::string format_decimal_seconds(std::int64_t time_ns);
std::optional<std::int64_t> parse_decimal_seconds(std::string_view text);

}  // namespace cloudsync::base

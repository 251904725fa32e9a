// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cloudsync::cli {

std::string format_bytes(std::uint64_t bytes);  // "1.2 MB": powers of 1000
std::string format_count(std::uint64_t count);  // "1,234,567"
std::string format_duration(double seconds);    // "40 ms", "4.2 s", "42 s", "3:07", "1:02:03"
std::string format_time(std::int64_t time_ns);  // "2026-11-23T18:00:00Z", "-" for 0
std::string plural(std::uint64_t count, const std::string& noun);  // "1 file", "2 files"

// Columns on a terminal, of printable UTF-8.
std::size_t display_width(std::string_view text);
// At most `width` columns, "..." in the middle of what is too long.
std::string fit(std::string_view text, std::size_t width);

}  // namespace cloudsync::cli

// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/expiry_text.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <string>

#include "base/time_format.h"

namespace cloudsync::auth {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
// The year 2200: what a stranger says must not overflow.
constexpr std::int64_t kLatestSeconds = 7'258'118'400;

std::optional<std::int64_t> parse_epoch(std::string_view text) {
  std::int64_t seconds = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (seconds < 0 || seconds > kLatestSeconds) return std::nullopt;
  return seconds * kSecond;
}

// The number before `stop`, which is taken off too; 0 digits or more than four fail.
std::optional<int> take_number(std::string_view& text, char stop) {
  int value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  const auto length = static_cast<std::size_t>(end - text.data());
  if (error != std::errc() || length > 4 || value < 0) return std::nullopt;
  if (length >= text.size() || text[length] != stop) return std::nullopt;
  text.remove_prefix(length + 1);
  return value;
}

std::optional<int> on_24_hours(int hour, std::string_view half) {
  if (half != "AM" && half != "PM") return hour;
  if (hour < 1 || hour > 12) return std::nullopt;
  return hour % 12 + (half == "PM" ? 12 : 0);
}

// month/day/year hour:minute:second [AM|PM] +00:00
std::optional<std::int64_t> parse_american(std::string_view text) {
  if (!text.ends_with(" +00:00")) return std::nullopt;
  text.remove_suffix(std::string_view("+00:00").size());
  std::array<int, 6> parts{};
  const std::array<char, 6> stops = {'/', '/', ' ', ':', ':', ' '};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto number = take_number(text, stops[i]);
    if (!number) return std::nullopt;
    parts[i] = *number;
  }
  const auto hour = on_24_hours(parts[3], text.substr(0, 2));
  if (!hour) return std::nullopt;
  std::array<char, 80> out{};
  std::snprintf(out.data(), out.size(), "%04d-%02d-%02dT%02d:%02d:%02dZ", parts[2],
                parts[0], parts[1], *hour, parts[4], parts[5]);
  return base::parse_rfc3339(out.data());
}

}  // namespace

std::optional<std::int64_t> parse_expires_on(std::string_view text) {
  if (const auto epoch = parse_epoch(text)) return epoch;
  if (const auto standard = base::parse_rfc3339(text)) return standard;
  return parse_american(text);
}

std::optional<std::int64_t> parse_local_time(std::string_view text) {
  std::tm parts{};
  const std::string copy(text.substr(0, 40));
  if (::strptime(copy.c_str(), "%Y-%m-%d %H:%M:%S", &parts) == nullptr) {
    return std::nullopt;
  }
  parts.tm_isdst = -1;  // the zone's rules know
  const std::time_t seconds = std::mktime(&parts);
  if (seconds < 0 || seconds > kLatestSeconds) return std::nullopt;
  return std::int64_t{seconds} * kSecond;
}

}  // namespace cloudsync::auth

// SPDX-License-Identifier: Apache-2.0
#include "storage/rest/header_values.h"

#include "base/time_format.h"

#include <algorithm>

namespace cloudsync::storage::rest {
namespace {

// Larger numbers mean nothing and would overflow on their way to other units.
std::chrono::milliseconds within_a_day(std::uint64_t number, std::uint64_t unit_ms) {
  constexpr std::uint64_t kDayMs = 86'400'000;
  return std::chrono::milliseconds(std::min(number, kDayMs / unit_ms) * unit_ms);
}

std::optional<std::chrono::milliseconds> until(std::optional<std::int64_t> at_ns,
                                               std::optional<std::int64_t> now_ns) {
  if (!at_ns || !now_ns || *now_ns < 0 || *at_ns <= *now_ns) return std::nullopt;
  return within_a_day(static_cast<std::uint64_t>((*at_ns - *now_ns) / 1'000'000), 1);
}

}  // namespace

std::string text_header(const http::HttpResponse& response, std::string_view name) {
  return std::string(response.header(name).value_or(""));
}

std::optional<ContentRange> content_range(const http::HttpResponse& response) {
  std::string_view text = response.header("content-range").value_or("");
  if (!text.starts_with("bytes ")) return std::nullopt;
  text.remove_prefix(6);
  const std::size_t dash = text.find('-');
  const std::size_t slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || dash > slash) {
    return std::nullopt;
  }
  const auto first = parse_number(text.substr(0, dash));
  const auto last = parse_number(text.substr(dash + 1, slash - dash - 1));
  const auto total = parse_number(text.substr(slash + 1));
  if (!first || !last || !total) return std::nullopt;
  return ContentRange{*first, *last, *total};
}

std::optional<std::uint64_t> whole_size(const http::HttpResponse& response) {
  if (const auto range = content_range(response)) return range->total;
  if (const auto length = response.header("content-length")) return parse_number(*length);
  // Chunked answers carry no length; the body has been counted by then.
  return response.status == 200 && response.header("transfer-encoding")
             ? std::optional(response.streamed_bytes)
             : std::nullopt;
}

std::optional<std::int64_t> plausible_time(std::optional<std::int64_t> time_ns) {
  constexpr std::int64_t kYear2200 = 7'258'118'400 * std::int64_t{1'000'000'000};
  return time_ns && *time_ns >= 0 && *time_ns < kYear2200 ? time_ns : std::nullopt;
}

std::optional<std::int64_t> server_time_ns(const http::HttpResponse& response) {
  return plausible_time(base::parse_http_date(response.header("date").value_or("")));
}

std::optional<std::chrono::milliseconds> retry_after(
    const http::HttpResponse& response,
    std::initializer_list<std::string_view> millisecond_headers) {
  for (const std::string_view name : millisecond_headers) {
    const auto ms = parse_number(response.header(name).value_or(""));
    if (ms) return within_a_day(*ms, 1);
  }
  const std::string_view text = response.header("retry-after").value_or("");
  if (const auto seconds = parse_number(text)) return within_a_day(*seconds, 1000);
  return until(base::parse_http_date(text), server_time_ns(response));
}

}  // namespace cloudsync::storage::rest

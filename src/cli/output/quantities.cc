// SPDX-License-Identifier: Apache-2.0
#include "cli/output/quantities.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "base/time_format.h"
#include "base/time_range.h"

namespace cloudsync::cli {
namespace {

struct CodePoint {
  std::string_view bytes;
  std::size_t width = 1;
};

struct Range {
  char32_t first;
  char32_t last;
};

template <std::size_t N>
bool within(char32_t c, const std::array<Range, N>& ranges) {
  return std::any_of(ranges.begin(), ranges.end(), [c](const Range& range) {
    return c >= range.first && c <= range.last;
  });
}

// Enough of Unicode's East Asian Width and combining marks for names of files; what is
// missing costs a crooked line, no more.
constexpr std::array kZeroWidth{Range{0x0300, 0x036F}, Range{0x200B, 0x200F},
                                Range{0x20D0, 0x20FF}, Range{0xFE00, 0xFE0F}};
constexpr std::array kDoubleWidth{
    Range{0x1100, 0x115F}, Range{0x2E80, 0xA4CF},   Range{0xAC00, 0xD7A3},
    Range{0xF900, 0xFAFF}, Range{0xFE30, 0xFE6F},   Range{0xFF00, 0xFF60},
    Range{0xFFE0, 0xFFE6}, Range{0x1F300, 0x1FAFF}, Range{0x20000, 0x3FFFD}};

std::size_t sequence_length(unsigned char lead) {
  if (lead < 0xC0) return 1;
  if (lead < 0xE0) return 2;
  return lead < 0xF0 ? 3 : 4;
}

char32_t decode(std::string_view bytes) {
  const auto lead = static_cast<unsigned char>(bytes[0]);
  if (bytes.size() == 1) return lead;
  char32_t c = lead & (0xFFU >> (bytes.size() + 1));
  for (const char byte : bytes.substr(1)) {
    c = (c << 6) | (static_cast<unsigned char>(byte) & 0x3FU);
  }
  return c;
}

std::vector<CodePoint> code_points(std::string_view text) {
  std::vector<CodePoint> result;
  while (!text.empty()) {
    const std::size_t length =
        std::min(sequence_length(static_cast<unsigned char>(text[0])), text.size());
    const std::string_view bytes = text.substr(0, length);
    const char32_t c = decode(bytes);
    result.push_back({bytes, within(c, kZeroWidth)     ? 0U
                             : within(c, kDoubleWidth) ? 2U
                                                       : 1U});
    text.remove_prefix(length);
  }
  return result;
}

}  // namespace

std::string format_bytes(std::uint64_t bytes) {
  if (bytes < 1000) return std::to_string(bytes) + " B";
  constexpr std::array kUnits{"kB", "MB", "GB", "TB", "PB", "EB"};
  double value = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  // 999.95 would be shown as 1000.0.
  while (value >= 999.95 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string format_count(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t i = text.size(); i > 3;) {
    i -= 3;
    text.insert(i, ",");
  }
  return text;
}

std::string format_duration(double seconds) {
  if (!(seconds > 0)) return "0 s";
  if (seconds < 0.9995)
    return fmt::format("{} ms", std::llround(std::ceil(seconds * 1000)));
  if (seconds < 10) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::uint64_t>(std::llround(std::min(seconds, 1e12)));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string format_time(std::int64_t time_ns) {
  if (time_ns == 0) return "-";
  constexpr std::int64_t kSecond = 1'000'000'000;
  const std::int64_t below = ((time_ns % kSecond) + kSecond) % kSecond;
  return base::format_rfc3339(base::time_difference(time_ns, below));
}

std::string plural(std::uint64_t count, const std::string& noun) {
  return format_count(count) + " " + noun + (count == 1 ? "" : "s");
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (const CodePoint& point : code_points(text)) width += point.width;
  return width;
}

std::string fit(std::string_view text, std::size_t width) {
  if (display_width(text) <= width) return std::string(text);
  const std::size_t dots = std::min<std::size_t>(3, width);
  const std::size_t head_width = (width - dots) / 2;
  const auto points = code_points(text);
  std::string head;
  std::string tail;
  std::size_t used = 0;
  for (auto point = points.begin(); used + point->width <= head_width; ++point) {
    head += point->bytes;
    used += point->width;
  }
  for (auto point = points.rbegin(); used + point->width <= width - dots; ++point) {
    tail.insert(0, point->bytes);
    used += point->width;
  }
  return head + std::string(dots, '.') + tail;
}

}  // namespace cloudsync::cli

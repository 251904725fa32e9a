// SPDX-License-Identifier: Apache-2.0
#include "storage/gcs/gcs_values.h"

#include "base/encoding.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace cloudsync::storage::gcs {
namespace {

constexpr std::uint64_t kLargestGeneration = std::numeric_limits<std::int64_t>::max();

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || result.ec != std::errc{} || result.ptr != text.data() + text.size())
    return std::nullopt;
  return value;
}

bool is_generation(std::string_view text) {
  const auto value = parse_number(text);
  return value && *value > 0 && *value <= kLargestGeneration && text.front() != '0';
}

std::string generation_text(const VersionToken& token) {
  return is_generation(token.value) ? token.value : std::to_string(kLargestGeneration);
}

std::string crc32c_text(std::uint32_t crc) {
  std::array<std::uint8_t, 4> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::uint8_t>(crc >> (24 - 8 * i));
  return base::to_base64(bytes);
}

std::optional<std::uint32_t> parse_crc32c(std::string_view text) {
  const auto bytes = base::from_base64(text);
  if (!bytes || bytes->size() != 4) return std::nullopt;
  std::uint32_t value = 0;
  for (const std::uint8_t byte : *bytes) value = value << 8 | byte;
  return value;
}

std::optional<Md5Digest> parse_md5(std::string_view text) {
  const auto bytes = base::from_base64(text);
  Md5Digest digest;
  if (!bytes || bytes->size() != digest.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), digest.begin());
  return digest;
}

std::string_view bounded(std::string_view words) {
  constexpr std::size_t kEnough = 1024;
  return words.substr(0, kEnough);
}

}  // namespace cloudsync::storage::gcs

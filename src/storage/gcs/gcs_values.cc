// SPDX-License-Identifier: Apache-2.0
#include "storage/gcs/gcs_values.h"

#include <limits>

namespace cloudsync::storage::gcs {
namespace {

constexpr std::uint64_t kLargestGeneration = std::numeric_limits<std::int64_t>::max();

}  // namespace

bool is_generation(std::string_view text) {
  const auto value = parse_number(text);
  return value && *value > 0 && *value <= kLargestGeneration && text.front() != '0';
}

std::string generation_text(const VersionToken& token) {
  return is_generation(token.value) ? token.value : std::to_string(kLargestGeneration);
}

}  // namespace cloudsync::storage::gcs

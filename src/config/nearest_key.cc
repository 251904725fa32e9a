// SPDX-License-Identifier: Apache-2.0
#include "config/nearest_key.h"

#include <algorithm>
#include <vector>

namespace cloudsync::config {
namespace {

std::string_view last_part(std::string_view key) {
  const std::size_t dot = key.rfind('.');
  return dot == std::string_view::npos ? key : key.substr(dot + 1);
}

// A match by the last part alone counts one more than the same match of the whole key.
std::size_t key_distance(std::string_view word, std::string_view candidate) {
  return std::min(edit_distance(word, candidate),
                  edit_distance(last_part(word), last_part(candidate)) + 1);
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  const std::size_t width = b.size() + 1;
  std::vector<std::size_t> cost((a.size() + 1) * width);
  const auto at = [&](std::size_t i, std::size_t j) -> std::size_t& {
    return cost[i * width + j];
  };
  for (std::size_t i = 0; i <= a.size(); ++i) at(i, 0) = i;
  for (std::size_t j = 0; j <= b.size(); ++j) at(0, j) = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = at(i - 1, j - 1) + (a[i - 1] == b[j - 1] ? 0 : 1);
      at(i, j) = std::min({at(i - 1, j) + 1, at(i, j - 1) + 1, replace});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) at(i, j) = std::min(at(i, j), at(i - 2, j - 2) + 1);
    }
  }
  return cost.back();
}

Nearest nearest(std::string_view word, std::span<const std::string> candidates) {
  // A key of any length may come from a file; what is this long resembles nothing anyway.
  word = word.substr(0, 200);
  const auto best =
      std::min_element(candidates.begin(), candidates.end(),
                       [&](const std::string& a, const std::string& b) {
                         return key_distance(word, a) < key_distance(word, b);
                       });
  const std::size_t limit = std::max<std::size_t>(2, last_part(word).size() / 3);
  return {*best, key_distance(word, *best) <= limit};
}

}  // namespace cloudsync::config

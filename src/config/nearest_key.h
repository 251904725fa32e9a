// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace cloudsync::config {

// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`.
std::size_t edit_distance(std::string_view a, std::string_view b);

struct Nearest {
  std::string word;
  bool is_close = false;  // near enough to ask "did you mean"
};

// The candidate most like `word`. A dotted candidate also matches by its last part, so
// that a bare "storage_class" finds "storage.storage_class". Needs at least one
// candidate.
Nearest nearest(std::string_view word, std::span<const std::string> candidates);

}  // namespace cloudsync::config

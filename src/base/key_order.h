// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <compare>
#include <string_view>

namespace cloudsync::base {

// How a store that sorts by UTF-16 code units orders two keys: as their bytes, except
// that characters from U+10000 (lead bytes F0 and above) come before U+E000..U+FFFF (lead
// bytes EE and EF). A total order of all byte strings: whatever is not UTF-8, an unpaired
// surrogate in three bytes included, has the place that its bytes have.
inline std::strong_ordering compare_utf16(std::string_view a, std::string_view b) {
  const auto [x, y] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (x == a.end() || y == b.end()) return a.size() <=> b.size();
  // EE and EF go behind every other byte.
  const auto rank = [](char c) {
    const unsigned byte = static_cast<unsigned char>(c);
    return byte == 0xee || byte == 0xef ? byte + 0x100 : byte;
  };
  return rank(*x) <=> rank(*y);
}

}  // namespace cloudsync::base

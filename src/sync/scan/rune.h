// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace cloudsync::sync {

// Bytes that are not UTF-8 become runes above Unicode's end, one each, so that a name in
// another encoding can still be matched and never equals a real character.
inline constexpr char32_t kInvalidByteBase = 0x110000;
inline constexpr char32_t kLastRune = kInvalidByteBase + 0xff;

namespace rune_detail {

inline char32_t decode_multibyte(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  const char32_t invalid = kInvalidByteBase + lead;
  if (lead < 0xc2 || lead > 0xf4 || at + length > text.size()) return ++at, invalid;
  char32_t rune = lead & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) return ++at, invalid;
    rune = (rune << 6) | (byte(at + i) & 0x3fU);
  }
  at += length;
  return rune;
}

}  // namespace rune_detail

// The character at `at`, which moves behind it.
inline char32_t next_rune(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80) return ++at, lead;
  return rune_detail::decode_multibyte(text, at);
}

}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cloudsync::base {

std::string to_hex(std::span<const std::uint8_t> bytes);                      // lower case
std::optional<std::vector<std::uint8_t>> from_hex(std::string_view text);     // either case
std::string to_base64(std::span<const std::uint8_t> bytes);                   // with padding
std::optional<std::vector<std::uint8_t>> from_base64(std::string_view text);  // padding required

// RFC 3986: everything but A-Z a-z 0-9 - . _ ~ becomes %XX; '/' stays when `keep_slash`.
std::string percent_encode(std::string_view text, bool keep_slash = false);
// '+' is a space when `plus_is_space`; malformed escapes stay as they are.
std::string percent_decode(std::string_view text, bool plus_is_space = false);

// Strict UTF-8: no overlong forms, no surrogates, at most U+10FFFF.
bool is_valid_utf8(std::string_view text);
// For terminals and logs: control characters and invalid bytes as \xNN.
std::string printable(std::string_view bytes);

}  // namespace cloudsync::base

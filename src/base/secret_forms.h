// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cloudsync::base {

// Shorter ones would mask half of every message.
inline constexpr std::size_t kShortestSecret = 4;

// The texts under which a secret may turn up in a message: itself first, then as it
// stands in a URL (both cases of the digits, a blank as '+', '/' left alone), decoded from
// one, inside a JSON string, and inside base64 of a longer text at each of the three
// alignments, in both alphabets.
std::vector<std::string> secret_forms(std::string_view secret);

}  // namespace cloudsync::base

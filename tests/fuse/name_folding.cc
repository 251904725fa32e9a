// SPDX-License-Identifier: Apache-2.0
#include "name_folding.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace cloudsync::odd {
namespace {

struct Letter {
  std::string_view composed;
  std::string_view decomposed;
};

constexpr std::array kLetters = {
    Letter{"\xC3\xA4", "a\xCC\x88"}, Letter{"\xC3\x84", "A\xCC\x88"},
    Letter{"\xC3\xB6", "o\xCC\x88"}, Letter{"\xC3\x96", "O\xCC\x88"},
    Letter{"\xC3\xBC", "u\xCC\x88"}, Letter{"\xC3\x9C", "U\xCC\x88"},
    Letter{"\xC3\xA9", "e\xCC\x81"}, Letter{"\xC3\x89", "E\xCC\x81"},
    Letter{"\xC3\xA8", "e\xCC\x80"}, Letter{"\xC3\x88", "E\xCC\x80"},
    Letter{"\xC3\xA0", "a\xCC\x80"}, Letter{"\xC3\x80", "A\xCC\x80"},
    Letter{"\xC3\xB1", "n\xCC\x83"}, Letter{"\xC3\x91", "N\xCC\x83"},
    Letter{"\xC3\xA5", "a\xCC\x8A"}, Letter{"\xC3\x85", "A\xCC\x8A"},
    Letter{"\xC3\xA7", "c\xCC\xA7"}, Letter{"\xC3\x87", "C\xCC\xA7"},
};

}  // namespace

std::string decomposed(std::string_view name) {
  std::string result;
  for (std::size_t at = 0; at < name.size();) {
    const auto* const letter = std::find_if(
        kLetters.begin(), kLetters.end(),
        [&](const Letter& each) { return name.substr(at).starts_with(each.composed); });
    if (letter == kLetters.end()) {
      result += name[at++];
    } else {
      result += letter->decomposed;
      at += letter->composed.size();
    }
  }
  return result;
}

std::string folded(std::string_view name, const Folding& folding) {
  // Decomposed, the case of an accented letter is that of its ASCII letter.
  std::string result = folding.fold_normal ? decomposed(name) : std::string(name);
  if (folding.fold_case) {
    std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) {
      return static_cast<char>(c < 0x80 ? std::tolower(c) : c);
    });
  }
  return result;
}

}  // namespace cloudsync::odd

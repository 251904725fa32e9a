// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

namespace cloudsync::sync {

struct RuneRange {
  char32_t first = 0;
  char32_t last = 0;
};

// Never matches '/': a class stays inside one name, whatever it negates.
struct RuneClass {
  bool negated = false;
  std::vector<RuneRange> ranges;
  bool contains(char32_t rune) const;
};

struct GlobElement;
using GlobSequence = std::vector<GlobElement>;

struct GlobElement {
  enum class Kind { kRune, kAny, kClass, kStar, kDoubleStar, kAlternatives };
  Kind kind = Kind::kRune;
  char32_t rune = 0;
  RuneClass rune_class;
  std::vector<GlobSequence> alternatives;
};

// rclone's pattern language without its {{regular expressions}}: * ** ? [a-z] [!a] [^a]
// [[:digit:]]
// \d \w \s {a,b} (nesting) and \c for a literal. Throws Error{kInvalidArgument} saying
// what is wrong.
GlobSequence parse_glob(std::string_view pattern);

}  // namespace cloudsync::sync

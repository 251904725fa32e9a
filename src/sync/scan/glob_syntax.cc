// SPDX-License-Identifier: Apache-2.0
#include "sync/scan/glob_syntax.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "cloudsync/error.h"
#include "sync/scan/rune.h"

namespace cloudsync::sync {
namespace {

using Ranges = std::vector<RuneRange>;
using Kind = GlobElement::Kind;

constexpr int kMaxNesting = 32;

[[noreturn]] void fail(const std::string& reason) {
  throw Error(ErrorCode::kInvalidArgument, reason);
}

struct NamedClass {
  std::string_view name;
  Ranges ranges;
};

const Ranges& word_ranges() {
  static const Ranges ranges = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
  return ranges;
}

const Ranges& space_ranges() {
  static const Ranges ranges = {{'\t', '\r'}, {' ', ' '}};
  return ranges;
}

const std::vector<NamedClass>& named_classes() {
  static const std::vector<NamedClass> classes = {
      {"alnum", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
      {"alpha", {{'A', 'Z'}, {'a', 'z'}}},
      {"ascii", {{0, 0x7f}}},
      {"blank", {{'\t', '\t'}, {' ', ' '}}},
      {"cntrl", {{0, 0x1f}, {0x7f, 0x7f}}},
      {"digit", {{'0', '9'}}},
      {"graph", {{'!', '~'}}},
      {"lower", {{'a', 'z'}}},
      {"print", {{' ', '~'}}},
      {"punct", {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
      {"space", space_ranges()},
      {"upper", {{'A', 'Z'}}},
      {"word", word_ranges()},
      {"xdigit", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
  };
  return classes;
}

// Of ascending, disjoint ranges.
Ranges complement(const Ranges& ranges) {
  Ranges result;
  char32_t from = 0;
  for (const RuneRange& range : ranges) {
    if (range.first > from) result.push_back({from, range.first - 1});
    from = range.last + 1;
  }
  result.push_back({from, kLastRune});
  return result;
}

// \d \D \w \W \s \S; empty for any other letter.
Ranges escape_class(char32_t letter) {
  switch (letter) {
    case 'd':
      return {{'0', '9'}};
    case 'w':
      return word_ranges();
    case 's':
      return space_ranges();
    case 'D':
      return complement({{'0', '9'}});
    case 'W':
      return complement(word_ranges());
    case 'S':
      return complement(space_ranges());
    default:
      return {};
  }
}

bool is_ascii_alnum(char32_t rune) {
  return (rune >= '0' && rune <= '9') || (rune >= 'a' && rune <= 'z') ||
         (rune >= 'A' && rune <= 'Z');
}

class Parser {
 public:
  explicit Parser(std::string_view pattern) {
    for (std::size_t i = 0; i < pattern.size();) text_.push_back(next_rune(pattern, i));
  }

  GlobSequence parse() {
    GlobSequence sequence = parse_sequence(0);
    if (!at_end()) fail("has a '}' without '{'");
    return sequence;
  }

 private:
  bool at_end() const { return at_ == text_.size(); }
  bool next_is(char32_t rune) const { return !at_end() && text_[at_] == rune; }
  bool take(char32_t rune) {
    if (!next_is(rune)) return false;
    ++at_;
    return true;
  }

  // Up to the end, or to the ',' or '}' that ends an alternative.
  GlobSequence parse_sequence(int depth) {
    GlobSequence sequence;
    while (!at_end() && !next_is('}') && !(depth > 0 && next_is(','))) {
      sequence.push_back(parse_element(depth));
    }
    return sequence;
  }

  GlobElement parse_element(int depth) {
    const char32_t rune = text_[at_++];
    switch (rune) {
      case '*':
        return parse_star();
      case '?':
        return element(Kind::kAny);
      case '[':
        return class_element(parse_class());
      case ']':
        fail("has a ']' without '['");
      case '{':
        return parse_alternatives(depth + 1);
      case '\\':
        return parse_escape();
      default:
        return rune_element(rune);
    }
  }

  GlobElement parse_star() {
    if (!take('*')) return element(Kind::kStar);
    if (next_is('*')) fail("has more than two '*' in a row");
    return element(Kind::kDoubleStar);
  }

  GlobElement parse_alternatives(int depth) {
    if (next_is('{')) fail("uses '{{', but regular expressions are not supported");
    if (depth > kMaxNesting) fail("nests '{' too deeply");
    GlobElement result = element(Kind::kAlternatives);
    do {
      result.alternatives.push_back(parse_sequence(depth));
    } while (take(','));
    if (!take('}')) fail("has a '{' without '}'");
    return result;
  }

  GlobElement parse_escape() {
    if (at_end()) fail("ends in a backslash");
    const char32_t rune = text_[at_++];
    Ranges ranges = escape_class(rune);
    if (!ranges.empty())
      return class_element({.negated = false, .ranges = std::move(ranges)});
    return rune_element(literal_escape(rune));
  }

  static char32_t literal_escape(char32_t rune) {
    if (is_ascii_alnum(rune)) fail("has an unknown escape after a backslash");
    return rune;
  }

  RuneClass parse_class() {
    RuneClass result;
    result.negated = take('^') || take('!');
    if (next_is(']')) fail("has an empty '[]'");
    while (!take(']')) {
      if (at_end()) fail("has a '[' without ']'");
      parse_class_item(result.ranges);
    }
    return result;
  }

  void parse_class_item(Ranges& ranges) {
    if (next_is('[') && at_ + 1 < text_.size() && text_[at_ + 1] == ':') {
      return append(ranges, parse_named_class());
    }
    if (next_is('\\') && at_ + 1 < text_.size()) {
      Ranges escaped = escape_class(text_[at_ + 1]);
      if (!escaped.empty()) return at_ += 2, append(ranges, escaped);
    }
    ranges.push_back(parse_range());
  }

  static void append(Ranges& ranges, const Ranges& more) {
    ranges.insert(ranges.end(), more.begin(), more.end());
  }

  RuneRange parse_range() {
    const char32_t first = parse_class_rune();
    const bool is_range = next_is('-') && at_ + 1 < text_.size() && text_[at_ + 1] != ']';
    if (!is_range) return {first, first};
    ++at_;
    const char32_t last = parse_class_rune();
    if (last < first) fail("has a character range that runs backwards");
    return {first, last};
  }

  char32_t parse_class_rune() {
    const char32_t rune = text_[at_++];
    if (rune != '\\') return rune;
    if (at_end()) fail("has a '[' without ']'");
    return literal_escape(text_[at_++]);
  }

  Ranges parse_named_class() {
    at_ += 2;
    const bool negated = take('^');
    std::string name;
    while (!at_end() && text_[at_] >= 'a' && text_[at_] <= 'z') {
      name += static_cast<char>(text_[at_++]);
    }
    if (!take(':') || !take(']')) fail("has a '[:' without ':]'");
    const auto& classes = named_classes();
    const auto found = std::find_if(classes.begin(), classes.end(),
                                    [&](const NamedClass& c) { return c.name == name; });
    if (found == classes.end()) fail("has an unknown character class '[:" + name + ":]'");
    return negated ? complement(found->ranges) : found->ranges;
  }

  static GlobElement element(Kind kind) {
    GlobElement result;
    result.kind = kind;
    return result;
  }

  static GlobElement rune_element(char32_t rune) {
    GlobElement result;
    result.rune = rune;
    return result;
  }

  static GlobElement class_element(RuneClass rune_class) {
    GlobElement result;
    result.kind = Kind::kClass;
    result.rune_class = std::move(rune_class);
    return result;
  }

  std::u32string text_;
  std::size_t at_ = 0;
};

}  // namespace

bool RuneClass::contains(char32_t rune) const {
  if (rune == '/') return false;
  const bool listed = std::any_of(
      ranges.begin(), ranges.end(),
      [&](const RuneRange& range) { return range.first <= rune && rune <= range.last; });
  return listed != negated;
}

GlobSequence parse_glob(std::string_view pattern) { return Parser(pattern).parse(); }

}  // namespace cloudsync::sync

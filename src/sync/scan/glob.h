// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sync/scan/glob_syntax.h"

namespace cloudsync::sync {

// One compiled pattern. Matching walks all states of the pattern at once, so its time is
// bounded by length of the key x length of the pattern whatever the pattern is.
// Immutable, thread-safe.
class Glob {
 public:
  // A leading '/' anchors at the root, a trailing '/' means the directory and all below.
  // Throws Error{kInvalidArgument} saying what is wrong.
  explicit Glob(std::string_view pattern);

  bool matches(std::string_view key) const;
  // `directory` is "" or ends in '/'. False only when no key below it can match.
  bool may_match_below(std::string_view directory) const;
  // True only when `directory` itself and every key below it match.
  bool matches_all_below(std::string_view directory) const;

 private:
  static constexpr std::size_t kMaxStates = 1024;
  using StateSet = std::array<std::uint64_t, kMaxStates / 64>;
  struct State {
    enum class Kind : std::uint8_t { kAccept, kRune, kAny, kClass, kStar, kDoubleStar };
    Kind kind = Kind::kAccept;
    char32_t rune = 0;
    RuneClass rune_class;
    StateSet after{};  // where this state's character leads
    bool consumes(char32_t c) const;
  };
  // The shapes that most rules have are answered without the states.
  enum class Shape { kGeneral, kEverything, kSuffix, kPrefix };

  void find_shape(const GlobSequence& sequence);
  StateSet compile(const GlobSequence& sequence, StateSet then);
  StateSet compile_element(const GlobElement& element, const StateSet& then);
  std::size_t add_state(State state);
  bool advance(StateSet& states, char32_t c) const;
  bool run(std::string_view text, StateSet& states) const;

  bool anchored_ = false;
  Shape shape_ = Shape::kGeneral;
  std::string literal_;  // of kSuffix and kPrefix
  std::vector<State> states_;
  StateSet start_{};
  std::size_t words_ = 1;  // of a StateSet that are in use
};

}  // namespace cloudsync::sync

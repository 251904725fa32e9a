// SPDX-License-Identifier: Apache-2.0
#include "sync/scan/glob.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "cloudsync/error.h"
#include "sync/scan/rune.h"

namespace cloudsync::sync {
namespace {

using ElementKind = GlobElement::Kind;

template <typename Set>
void insert(Set& set, std::size_t state) {
  set[state / 64] |= std::uint64_t{1} << (state % 64);
}

template <typename Set>
bool contains(const Set& set, std::size_t state) {
  return ((set[state / 64] >> (state % 64)) & 1) != 0;
}

template <typename Set>
void merge_into(Set& set, const Set& more, std::size_t words) {
  for (std::size_t i = 0; i < words; ++i) set[i] |= more[i];
}

// The bytes of elements that are plain ASCII characters; false when another kind is among
// them.
bool literal_bytes(const GlobElement* first, const GlobElement* last,
                   std::string& bytes) {
  for (; first != last; ++first) {
    if (first->kind != ElementKind::kRune || first->rune >= 0x80) return false;
    bytes += static_cast<char>(first->rune);
  }
  return true;
}

constexpr std::size_t kAcceptState = 0;

}  // namespace

Glob::Glob(std::string_view pattern) : anchored_(pattern.starts_with('/')) {
  if (pattern.empty()) throw Error(ErrorCode::kInvalidArgument, "has an empty pattern");
  std::string body(pattern.substr(anchored_ ? 1 : 0));
  const bool whole_directory = pattern.ends_with('/');
  if (whole_directory) body += "**";
  const GlobSequence sequence = parse_glob(body);
  states_.emplace_back();
  StateSet accept{};
  insert(accept, kAcceptState);
  start_ = compile(sequence, accept);
  words_ = (states_.size() + 63) / 64;
  find_shape(sequence);
}

void Glob::find_shape(const GlobSequence& sequence) {
  if (sequence.empty()) return;
  const GlobElement* first = sequence.data();
  const GlobElement* last = first + sequence.size();
  const auto only = [&](ElementKind kind) {
    return sequence.size() == 1 && first->kind == kind;
  };
  // Every key has a last name, so an unanchored `*` takes them all.
  if (only(ElementKind::kDoubleStar) || (!anchored_ && only(ElementKind::kStar))) {
    shape_ = Shape::kEverything;
  } else if (!anchored_ && first->kind == ElementKind::kStar &&
             literal_bytes(first + 1, last, literal_) &&
             literal_.find('/') == std::string::npos) {
    shape_ = Shape::kSuffix;
  } else if (literal_.clear(); anchored_ &&
                               (last - 1)->kind == ElementKind::kDoubleStar &&
                               literal_bytes(first, last - 1, literal_)) {
    shape_ = Shape::kPrefix;
  }
}

std::size_t Glob::add_state(State state) {
  if (states_.size() == kMaxStates) {
    throw Error(ErrorCode::kInvalidArgument, "is longer than 1023 characters");
  }
  states_.push_back(std::move(state));
  return states_.size() - 1;
}

// From the back, so that each element knows the states that follow it.
Glob::StateSet Glob::compile(const GlobSequence& sequence, StateSet then) {
  for (auto element = sequence.rbegin(); element != sequence.rend(); ++element) {
    then = compile_element(*element, then);
  }
  return then;
}

Glob::StateSet Glob::compile_element(const GlobElement& element, const StateSet& then) {
  if (element.kind == ElementKind::kAlternatives) {
    StateSet any{};
    for (const GlobSequence& alternative : element.alternatives) {
      merge_into(any, compile(alternative, then), any.size());
    }
    return any;
  }
  using StateKind = State::Kind;
  const auto kind = element.kind == ElementKind::kRune    ? StateKind::kRune
                    : element.kind == ElementKind::kAny   ? StateKind::kAny
                    : element.kind == ElementKind::kClass ? StateKind::kClass
                    : element.kind == ElementKind::kStar  ? StateKind::kStar
                                                          : StateKind::kDoubleStar;
  const bool repeats = kind == StateKind::kStar || kind == StateKind::kDoubleStar;
  const std::size_t state = add_state({kind, element.rune, element.rune_class, then});
  if (repeats) insert(states_[state].after, state);
  StateSet entry = repeats ? then : StateSet{};
  insert(entry, state);
  return entry;
}

bool Glob::State::consumes(char32_t c) const {
  switch (kind) {
    case Kind::kAccept:
      return false;
    case Kind::kRune:
      return c == rune;
    case Kind::kAny:
    case Kind::kStar:
      return c != '/';
    case Kind::kClass:
      return rune_class.contains(c);
    case Kind::kDoubleStar:
      return true;
  }
  return false;
}

// False when no state is left.
bool Glob::advance(StateSet& states, char32_t c) const {
  StateSet next{};
  bool any = false;
  for (std::size_t word = 0; word < words_; ++word) {
    for (std::uint64_t bits = states[word]; bits != 0; bits &= bits - 1) {
      const std::size_t index =
          word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
      const State& state = states_[index];
      if (!state.consumes(c)) continue;
      merge_into(next, state.after, words_);
      any = true;
    }
  }
  if (c == '/' && !anchored_) {
    merge_into(next, start_, words_);
    any = true;
  }
  std::copy_n(next.begin(), words_, states.begin());
  return any;
}

// False when the text cannot be the beginning of a match.
bool Glob::run(std::string_view text, StateSet& states) const {
  states = start_;
  for (std::size_t at = 0; at < text.size();) {
    if (advance(states, next_rune(text, at))) continue;
    if (anchored_) return false;
    const std::size_t slash = text.find('/', at);
    if (slash == std::string_view::npos) return false;
    at = slash;
  }
  return true;
}

bool Glob::matches(std::string_view key) const {
  switch (shape_) {
    case Shape::kEverything:
      return true;
    case Shape::kSuffix:
      return key.ends_with(literal_);
    case Shape::kPrefix:
      return key.starts_with(literal_);
    case Shape::kGeneral:
      break;
  }
  StateSet states;
  return run(key, states) && contains(states, kAcceptState);
}

bool Glob::may_match_below(std::string_view directory) const {
  if (shape_ == Shape::kEverything) return true;
  StateSet states;
  return run(directory, states);
}

bool Glob::matches_all_below(std::string_view directory) const {
  if (shape_ == Shape::kEverything) return true;
  StateSet states;
  if (!run(directory, states)) return false;
  // A `**` that may end the pattern swallows whatever follows.
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const bool swallows = states_[i].kind == State::Kind::kDoubleStar &&
                          contains(states_[i].after, kAcceptState);
    if (swallows && contains(states, i)) return true;
  }
  return false;
}

}  // namespace cloudsync::sync

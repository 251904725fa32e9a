// SPDX-License-Identifier: Apache-2.0
#include "sync/scan/name_folding.h"

#include <algorithm>
#include <array>
#include <clocale>
#include <cstdint>
#include <cwctype>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "sync/scan/rune.h"

namespace cloudsync::sync {
namespace {

struct CanonicalLetter {
  std::uint16_t letter;
  std::uint16_t first;
  std::uint16_t second;
};

constexpr CanonicalLetter kCanonicalLetters[] = {
#include "sync/scan/canonical_letters.inc"
};

constexpr char32_t kFirstHangul = 0xAC00;
constexpr char32_t kLastHangul = 0xD7A3;
constexpr char32_t kVowels = 21;
constexpr char32_t kTails = 28;

char32_t lower(char32_t letter) {
  static const locale_t unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  if (letter < 0x80 || unicode == nullptr) {
    return letter >= 'A' && letter <= 'Z' ? letter + ('a' - 'A') : letter;
  }
  return static_cast<char32_t>(towlower_l(static_cast<wint_t>(letter), unicode));
}

void append_utf8(std::string& out, char32_t letter) {
  const auto byte = [&](char32_t value) { out += static_cast<char>(value); };
  const auto tail = [&](unsigned shift) { byte(0x80 | ((letter >> shift) & 0x3F)); };
  if (letter < 0x80) return byte(letter);
  if (letter < 0x800) {
    byte(0xC0 | (letter >> 6));
  } else if (letter < 0x10000) {
    byte(0xE0 | (letter >> 12));
    tail(6);
  } else {
    byte(0xF0 | (letter >> 18));
    tail(12);
    tail(6);
  }
  tail(0);
}

class Folder {
 public:
  explicit Folder(const NameFolding& folding) : folding_(folding) {}

  void add(char32_t letter) {
    if (folding_.by_normal_form && decompose(letter)) return;
    append_utf8(result_, folding_.by_case ? lower(letter) : letter);
  }
  void add_raw(char byte) { result_ += byte; }
  std::string take() { return std::move(result_); }

 private:
  bool decompose(char32_t letter) {
    if (letter >= kFirstHangul && letter <= kLastHangul) return decompose_hangul(letter);
    const auto* const found =
        std::lower_bound(std::begin(kCanonicalLetters), std::end(kCanonicalLetters),
                         letter, [](const CanonicalLetter& each, char32_t wanted) {
                           return each.letter < wanted;
                         });
    if (found == std::end(kCanonicalLetters) || found->letter != letter) return false;
    add(found->first);
    if (found->second != 0) add(found->second);
    return true;
  }

  bool decompose_hangul(char32_t letter) {
    const char32_t index = letter - kFirstHangul;
    append_utf8(result_, 0x1100 + index / (kVowels * kTails));
    append_utf8(result_, 0x1161 + index % (kVowels * kTails) / kTails);
    if (index % kTails != 0) append_utf8(result_, 0x11A7 + index % kTails);
    return true;
  }

  NameFolding folding_;
  std::string result_;
};

// By what the two parts are.
const std::map<std::pair<char32_t, char32_t>, char32_t>& compositions() {
  static const auto letters = [] {
    std::map<std::pair<char32_t, char32_t>, char32_t> result;
    for (const auto& [letter, first, second] : kCanonicalLetters) {
      if (second != 0) result.emplace(std::pair(first, second), letter);
    }
    return result;
  }();
  return letters;
}

}  // namespace

std::string fold_name(std::string_view name, const NameFolding& folding) {
  if (!folding.any()) return std::string(name);
  Folder folder(folding);
  for (std::size_t at = 0; at < name.size();) {
    const std::size_t begin = at;
    const char32_t letter = next_rune(name, at);
    letter < kInvalidByteBase ? folder.add(letter) : folder.add_raw(name[begin]);
  }
  return folder.take();
}

std::string decomposed_name(std::string_view name) {
  return fold_name(name, {.by_case = false, .by_normal_form = true});
}

std::string composed_name(std::string_view name) {
  std::string result;
  std::optional<char32_t> pending;
  const auto flush = [&] {
    if (pending) append_utf8(result, *pending);
    pending.reset();
  };
  for (std::size_t at = 0; at < name.size();) {
    const std::size_t begin = at;
    const char32_t letter = next_rune(name, at);
    if (letter >= kInvalidByteBase) {
      flush();
      result += name[begin];
      continue;
    }
    const auto found =
        pending ? compositions().find({*pending, letter}) : compositions().end();
    if (found != compositions().end()) {
      pending = found->second;
      continue;
    }
    flush();
    pending = letter;
  }
  flush();
  return result;
}

}  // namespace cloudsync::sync

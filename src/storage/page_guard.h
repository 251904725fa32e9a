// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_set>

namespace cloudsync::storage {

// Ends every loop that follows page tokens, whatever the server answers. Knows what it
// has seen by hashes: a page token costs eight bytes, not its length.
class PageGuard {
 public:
  static constexpr int kMostEmptyPages = 1000;

  // One more page: the first name on it as received ("" = none), and the token or marker
  // of the page after it ("" = this was the last). Returns why the pages cannot be
  // trusted, "" while they can.
  std::string accept(std::string_view first_name, std::string_view next_token) {
    if (!first_name.empty()) {
      empty_pages_ = 0;
      if (!firsts_.insert(hash(first_name)).second) {
        return "it goes in circles: two pages begin with the same name";
      }
    } else if (++empty_pages_ >= kMostEmptyPages) {
      return "1,000 pages in a row named nothing";
    }
    if (next_token.empty() || tokens_.insert(hash(next_token)).second) return "";
    return "it goes in circles: a page token came twice";
  }

  // Another listing begins: its tokens and pages are its own.
  void restart() {
    tokens_.clear();
    firsts_.clear();
  }

 private:
  static std::size_t hash(std::string_view text) {
    return std::hash<std::string_view>{}(text);
  }

  std::unordered_set<std::size_t> tokens_;
  std::unordered_set<std::size_t> firsts_;
  int empty_pages_ = 0;
};

}  // namespace cloudsync::storage

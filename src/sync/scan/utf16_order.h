// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/key_order.h"
#include "sync/scan/model.h"

namespace cloudsync::sync {

using base::compare_utf16;

// Whether the key holds a character from U+10000, the only ones that may come too early.
bool has_astral(std::string_view key);

// Turns entries that come in the order of compare_utf16 into byte order while they pass.
// Only a key with a character from U+10000 waits, until a key is listed that does not
// share what stands before the first such character: until then one with U+E000..U+FFFF
// in its place may follow.
class Utf16Order {
 public:
  // Tells that `key` is listed next, whether or not an entry comes of it; appends what no
  // later key can precede.
  void advance(std::string_view key, std::vector<RemoteEntry>& due);
  // The entry of the key told last.
  void add(RemoteEntry entry, std::vector<RemoteEntry>& due);
  // Appends all that waits.
  void finish(std::vector<RemoteEntry>& due);
  std::size_t held() const { return held_.size(); }

 private:
  struct Held {
    RemoteEntry entry;
    std::size_t shared;  // bytes before the first character from U+10000
    bool operator<(const Held& other) const { return entry.key < other.entry.key; }
  };
  void release_first(std::vector<RemoteEntry>& due);

  std::set<Held> held_;
};

}  // namespace cloudsync::sync

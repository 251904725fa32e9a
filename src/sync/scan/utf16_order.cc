// SPDX-License-Identifier: Apache-2.0
#include "sync/scan/utf16_order.h"

#include <algorithm>
#include <utility>

namespace cloudsync::sync {
namespace {

std::size_t first_astral(std::string_view key) {
  const auto found = std::find_if(key.begin(), key.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0xf0;
  });
  return static_cast<std::size_t>(found - key.begin());
}

}  // namespace

bool has_astral(std::string_view key) { return first_astral(key) < key.size(); }

void Utf16Order::advance(std::string_view key, std::vector<RemoteEntry>& due) {
  while (!held_.empty()) {
    const Held& first = *held_.begin();
    if (key.starts_with(std::string_view(first.entry.key).substr(0, first.shared))) {
      return;
    }
    release_first(due);
  }
}

// What waits and sorts before a key without such a character is released by advance():
// where the two differ, the waiting one holds its first.
void Utf16Order::add(RemoteEntry entry, std::vector<RemoteEntry>& due) {
  const std::size_t shared = first_astral(entry.key);
  if (shared == entry.key.size()) {
    due.push_back(std::move(entry));
  } else {
    held_.insert(held_.end(), Held{std::move(entry), shared});
  }
}

void Utf16Order::finish(std::vector<RemoteEntry>& due) {
  while (!held_.empty()) release_first(due);
}

void Utf16Order::release_first(std::vector<RemoteEntry>& due) {
  due.push_back(std::move(held_.extract(held_.begin()).value().entry));
}

}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
#include "sync/run/list_order.h"

#include <charconv>

namespace cloudsync::sync {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kRemembered = 7 * 86'400;

bool is_recent(const std::string& seen_text, std::int64_t now_s) {
  std::int64_t seen_s = 0;
  const char* end = seen_text.data() + seen_text.size();
  const auto parsed = std::from_chars(seen_text.data(), end, seen_s);
  return parsed.ec == std::errc{} && parsed.ptr == end && seen_s <= now_s &&
         seen_s > now_s - kRemembered;
}

}  // namespace

ListOrder::ListOrder(SyncStateDatabase& state, const base::Clock& clock,
                     const PairIdentity& pair)
    : state_(state),
      clock_(clock),
      name_("unordered:" + pair.provider + ":" + pair.container) {
  const auto seen = state.meta(name_);
  unordered_ = seen && is_recent(*seen, clock.now_ns() / kSecond);
}

void ListOrder::found_unordered(bool may_write) {
  unordered_ = true;
  if (may_write) state_.set_meta(name_, std::to_string(clock_.now_ns() / kSecond));
}

}  // namespace cloudsync::sync

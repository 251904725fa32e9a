// SPDX-License-Identifier: Apache-2.0
#include "sync/run/store_clock.h"

#include <cstdlib>

#include <fmt/format.h>

namespace cloudsync::sync {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kMostApart = 300 * kSecond;

std::string words(std::int64_t offset_ns) {
  const std::int64_t seconds = std::abs(offset_ns) / kSecond;
  const std::string amount =
      seconds >= 2 * 86'400
          ? fmt::format("{} days", seconds / 86'400)
          : fmt::format("{}:{:02} hours", seconds / 3600, seconds / 60 % 60);
  return fmt::format("{} {}", amount, offset_ns < 0 ? "ahead of" : "behind");
}

}  // namespace

StoreClock::StoreClock(storage::ObjectStore& store, const base::Clock& clock,
                       Notice notice)
    : store_(store), clock_(clock), notice_(std::move(notice)) {}

std::optional<std::int64_t> StoreClock::observed() {
  const auto offset = store_.clock_offset_ns();
  if (!offset || std::abs(*offset) <= kMostApart) return offset;
  std::call_once(said_, [&] {
    notice_("the clock of this machine is " + words(*offset) + " that of " +
            store_.describe() +
            ": nothing is purged from any trash in this run, and no conflict is decided "
            "by time; set the clock that is wrong");
  });
  return offset;
}

std::int64_t StoreClock::offset_ns() { return observed().value_or(0); }

bool StoreClock::is_wrong() { return std::abs(offset_ns()) > kMostApart; }

std::optional<std::int64_t> StoreClock::server_now_ns() {
  const auto offset = observed();
  if (!offset || std::abs(*offset) > kMostApart) return std::nullopt;
  return clock_.now_ns() + *offset;
}

}  // namespace cloudsync::sync

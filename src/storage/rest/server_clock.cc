// SPDX-License-Identifier: Apache-2.0
#include "storage/rest/server_clock.h"

#include "storage/rest/header_values.h"

#include <algorithm>
#include <cstdlib>

namespace cloudsync::storage::rest {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kLongestExchange = 20 * kSecond;

bool tells_the_time(const http::HttpResponse& response) {
  return response.status >= 200 && response.status < 500 && !response.header("age");
}

}  // namespace

void ServerClock::observe(const http::HttpResponse& response, std::int64_t sent_ns,
                          std::int64_t received_ns) {
  if (!tells_the_time(response)) return;
  if (received_ns < sent_ns || received_ns - sent_ns > kLongestExchange) return;
  const auto date = server_time_ns(response);
  if (!date || !plausible_time(sent_ns)) return;
  const std::int64_t least = *date - received_ns;
  const std::int64_t most = *date + kSecond - sent_ns;
  const std::int64_t correction = std::clamp<std::int64_t>(0, least, most);
  const std::lock_guard lock(mutex_);
  if (offset_ns_ && std::abs(*offset_ns_) >= std::abs(correction)) return;
  offset_ns_ = correction;
}

std::optional<std::int64_t> ServerClock::offset_ns() const {
  const std::lock_guard lock(mutex_);
  return offset_ns_;
}

}  // namespace cloudsync::storage::rest

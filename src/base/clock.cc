// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace cloudsync::base {
namespace {

// Keeps now + duration inside the range of the clock.
constexpr std::chrono::milliseconds kLongestSleep = std::chrono::hours(24 * 365);

class SystemClock final : public Clock {
 public:
  std::int64_t now_ns() const override {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch).count();
  }

  std::chrono::steady_clock::time_point steady_now() const override {
    return std::chrono::steady_clock::now();
  }

  bool sleep_for(std::chrono::milliseconds duration,
                 std::stop_token stop) const override {
    std::mutex mutex;
    std::condition_variable_any wakeup;
    std::unique_lock lock(mutex);
    wakeup.wait_for(lock, stop, std::min(duration, kLongestSleep), [] { return false; });
    return !stop.stop_requested();
  }
};

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

}  // namespace cloudsync::base

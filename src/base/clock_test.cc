// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <gtest/gtest.h>

#include <ctime>
#include <thread>

namespace cloudsync::base {
namespace {

using std::chrono::milliseconds;

TEST(ClockTest, WallTimeIsThatOfTheSystem) {
  const std::int64_t seconds = system_clock().now_ns() / 1'000'000'000;
  EXPECT_NEAR(static_cast<double>(seconds), static_cast<double>(std::time(nullptr)), 2.0);
}

TEST(ClockTest, SleepLastsAtLeastItsTime) {
  const auto start = system_clock().steady_now();
  EXPECT_TRUE(system_clock().sleep_for(milliseconds(20), {}));
  EXPECT_GE(system_clock().steady_now() - start, milliseconds(20));
}

TEST(ClockTest, StopBeforeTheSleepReturnsAtOnce) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(system_clock().sleep_for(std::chrono::hours(1), stop.get_token()));
}

TEST(ClockTest, StopDuringTheSleepWakesTheSleeper) {
  std::stop_source stop;
  std::jthread stopper([&] {
    system_clock().sleep_for(milliseconds(10), {});
    stop.request_stop();
  });
  EXPECT_FALSE(system_clock().sleep_for(milliseconds::max(), stop.get_token()));
}

TEST(ClockTest, NegativeSleepReturnsAtOnce) {
  EXPECT_TRUE(system_clock().sleep_for(milliseconds(-5), {}));
}

}  // namespace
}  // namespace cloudsync::base

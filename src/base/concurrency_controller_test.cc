// SPDX-License-Identifier: Apache-2.0
#include "base/concurrency_controller.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

namespace cloudsync::base {
namespace {

using std::chrono::milliseconds;
using Options = ConcurrencyController::Options;

// A service whose requests a second depend on how many are in flight.
class Service {
 public:
  Service(ConcurrencyController& controller, std::uint64_t bytes,
          std::function<double(std::size_t)> rate)
      : controller_(controller), bytes_(bytes), rate_(std::move(rate)) {}

  std::size_t run(milliseconds time, milliseconds step = milliseconds(200)) {
    for (milliseconds t{}; t < time; t += step) {
      owed_ += rate_(controller_.current()) * static_cast<double>(step.count()) / 1000;
      for (; owed_ >= 1; owed_ -= 1) controller_.on_completed(bytes_);
      controller_.tick(step);
    }
    return controller_.current();
  }

 private:
  ConcurrencyController& controller_;
  std::uint64_t bytes_;
  std::function<double(std::size_t)> rate_;
  double owed_ = 0;
};

// Grows with the limit up to `knee`, flat from there on.
std::function<double(std::size_t)> saturating(double per_slot, std::size_t knee) {
  return [=](std::size_t n) { return per_slot * static_cast<double>(std::min(n, knee)); };
}

TEST(ConcurrencyControllerTest, StartsAtFour) {
  EXPECT_EQ(ConcurrencyController({}).current(), 4U);
}

TEST(ConcurrencyControllerTest, ReachesSixteenWithinASecondOnAFastLine) {
  for (const milliseconds step : {milliseconds(100), milliseconds(200)}) {
    ConcurrencyController controller({});
    Service lan(controller, 10'000, saturating(200, 64));
    EXPECT_GE(lan.run(milliseconds(1000), step), 16U);
  }
}

// 20 ms a request, as many as the service takes: what ten thousand small files meet.
TEST(ConcurrencyControllerTest, ReachesTheMaximumWithinASecondOnALongLine) {
  ConcurrencyController controller({});
  Service service(controller, 10'000, saturating(50, 1000));
  EXPECT_EQ(service.run(milliseconds(1000), milliseconds(20)), 256U);
}

TEST(ConcurrencyControllerTest, OneSlowMomentDoesNotEndTheClimb) {
  ConcurrencyController controller({});
  int windows = 0;
  Service service(controller, 10'000, [&](std::size_t n) {
    const bool slow = n == 8 && ++windows < 20;
    return slow ? 50.0 : 50.0 * static_cast<double>(n);
  });
  EXPECT_GE(service.run(milliseconds(3000), milliseconds(20)), 128U);
}

TEST(ConcurrencyControllerTest, WithoutWorkForAllNothingIsConcluded) {
  ConcurrencyController controller({});
  for (int i = 0; i < 500; ++i) {
    controller.on_completed(10'000);
    EXPECT_EQ(controller.tick(milliseconds(20), false), 4U);
  }
  Service service(controller, 10'000, saturating(50, 1000));
  EXPECT_EQ(service.run(milliseconds(2000), milliseconds(20)), 256U);
}

TEST(ConcurrencyControllerTest, RefusalsOfOneMomentAreOne) {
  ConcurrencyController controller({64, 1, 256, false});
  for (int i = 0; i < 5; ++i) {
    controller.on_throttled();
    controller.tick(milliseconds(20));
  }
  EXPECT_EQ(controller.current(), 32U);
  EXPECT_EQ(controller.report().throttled, 5U);
  EXPECT_EQ(controller.report().highest, 64U);
}

TEST(ConcurrencyControllerTest, LargeFixedNumberComesBackInSeconds) {
  ConcurrencyController controller({256, 1, 256, true});
  controller.on_throttled();
  Service service(controller, 10'000, saturating(50, 1000));
  EXPECT_EQ(service.run(milliseconds(5000), milliseconds(20)), 256U);
}

TEST(ConcurrencyControllerTest, StaysWhereThroughputEnds) {
  ConcurrencyController controller({});
  Service service(controller, 10'000, saturating(100, 8));
  const std::size_t settled = service.run(milliseconds(20'000));
  EXPECT_GE(settled, 8U);
  EXPECT_LE(settled, 10U);
}

TEST(ConcurrencyControllerTest, StepsBackWhereMoreIsWorse) {
  ConcurrencyController controller({});
  Service service(controller, 10'000, [](std::size_t n) {
    return n <= 8 ? 100.0 * static_cast<double>(n) : 800.0 * 8 / static_cast<double>(n);
  });
  EXPECT_LE(service.run(milliseconds(3000)), 10U);
}

TEST(ConcurrencyControllerTest, StaysAtTheMaximum) {
  ConcurrencyController controller({4, 1, 32, false});
  Service service(controller, 10'000, saturating(200, 1000));
  EXPECT_EQ(service.run(milliseconds(5000)), 32U);
  EXPECT_EQ(service.run(milliseconds(20'000)), 32U);
}

TEST(ConcurrencyControllerTest, SlowLargePartsAreJudgedByBytes) {
  ConcurrencyController controller({});
  Service service(controller, 8 << 20, saturating(0.5, 16));
  EXPECT_GE(service.run(milliseconds(40'000)), 12U);
}

TEST(ConcurrencyControllerTest, FindsALineThatBecameFasterLater) {
  ConcurrencyController controller({});
  std::size_t knee = 4;
  Service service(controller, 10'000, [&knee](std::size_t n) {
    return 100.0 * static_cast<double>(std::min(n, knee));
  });
  EXPECT_LE(service.run(milliseconds(4000)), 6U);
  knee = 32;
  EXPECT_GE(service.run(milliseconds(40'000)), 16U);
}

TEST(ConcurrencyControllerTest, ThrottlingHalvesAtOnceAndOncePerTick) {
  ConcurrencyController controller({16, 1, 32, false});
  for (int i = 0; i < 10; ++i) controller.on_throttled();
  EXPECT_EQ(controller.current(), 8U);
  EXPECT_EQ(controller.tick(milliseconds(200)), 8U);
  controller.on_throttled();
  EXPECT_EQ(controller.current(), 4U);
}

TEST(ConcurrencyControllerTest, ThrottlingNeverGoesBelowTheMinimum) {
  ConcurrencyController controller({4, 2, 32, false});
  for (int i = 0; i < 10; ++i) {
    controller.on_throttled();
    controller.tick(milliseconds(200));
  }
  EXPECT_EQ(controller.current(), 2U);
}

TEST(ConcurrencyControllerTest, RecoversByOneEachTick) {
  ConcurrencyController controller({16, 1, 32, false});
  controller.on_throttled();
  controller.tick(milliseconds(200));
  for (std::size_t expected = 9; expected <= 15; ++expected) {
    controller.on_completed(1000);
    EXPECT_EQ(controller.tick(milliseconds(200)), expected);
  }
}

TEST(ConcurrencyControllerTest, DoesNotRecoverWhileNothingSucceeds) {
  ConcurrencyController controller({16, 1, 32, false});
  controller.on_throttled();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(controller.tick(milliseconds(200)), 8U);
}

TEST(ConcurrencyControllerTest, FixedNumberStaysWhateverTheThroughput) {
  ConcurrencyController controller({40, 1, 32, true});
  EXPECT_EQ(controller.current(), 40U);
  Service service(controller, 10'000, saturating(200, 1000));
  EXPECT_EQ(service.run(milliseconds(10'000)), 40U);
}

TEST(ConcurrencyControllerTest, FixedNumberComesBackAfterThrottling) {
  ConcurrencyController controller({10, 1, 32, true});
  controller.on_throttled();
  controller.tick(milliseconds(200));
  controller.on_throttled();
  EXPECT_EQ(controller.tick(milliseconds(200)), 2U);
  Service service(controller, 10'000, saturating(200, 1000));
  EXPECT_EQ(service.run(milliseconds(4000)), 10U);
}

TEST(ConcurrencyControllerTest, IdleTicksChangeNothing) {
  ConcurrencyController controller({});
  for (int i = 0; i < 100; ++i) EXPECT_EQ(controller.tick(milliseconds(200)), 4U);
}

}  // namespace
}  // namespace cloudsync::base

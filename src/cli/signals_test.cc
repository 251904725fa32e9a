// SPDX-License-Identifier: Apache-2.0
#include "cli/signals.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <future>

namespace cloudsync::cli {
namespace {

TEST(SignalWatcher, AsksToStopInsideAGracefulScope) {
  std::promise<int> told;
  SignalWatcher watcher([&](int signal) { told.set_value(signal); });
  const SignalWatcher::GracefulScope graceful(watcher);
  EXPECT_FALSE(watcher.token().stop_requested());
  ::kill(::getpid(), SIGTERM);
  EXPECT_EQ(told.get_future().get(), SIGTERM);
  EXPECT_TRUE(watcher.token().stop_requested());
  EXPECT_EQ(watcher.signal(), SIGTERM);
}

TEST(SignalWatcher, IgnoresBrokenPipes) {
  const SignalWatcher watcher([](int) {});
  EXPECT_EQ(::raise(SIGPIPE), 0);
}

class SignalWatcherDeath : public ::testing::Test {
 protected:
  // The watcher's thread must not exist in a half-copied process.
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

[[noreturn]] void wait_for_the_end() {
  for (;;) ::pause();
}

TEST_F(SignalWatcherDeath, FirstSignalEndsAProcessWithNothingToSave) {
  const auto body = [] {
    const SignalWatcher watcher([](int) {});
    ::kill(::getpid(), SIGINT);
    wait_for_the_end();
  };
  EXPECT_EXIT(body(), ::testing::ExitedWithCode(130), "");
}

TEST_F(SignalWatcherDeath, SecondSignalEndsTheProcessAtOnce) {
  const auto body = [] {
    std::promise<void> told;
    SignalWatcher watcher([&](int) { told.set_value(); });
    const SignalWatcher::GracefulScope graceful(watcher);
    ::kill(::getpid(), SIGINT);
    told.get_future().wait();
    ::kill(::getpid(), SIGTERM);
    wait_for_the_end();
  };
  EXPECT_EXIT(body(), ::testing::ExitedWithCode(143), "");
}

TEST_F(SignalWatcherDeath, RunThatDoesNotStopEndsAfterTwoSeconds) {
  const auto body = [] {
    SignalWatcher watcher([](int) {});
    const SignalWatcher::GracefulScope graceful(watcher);
    ::kill(::getpid(), SIGHUP);
    wait_for_the_end();
  };
  EXPECT_EXIT(body(), ::testing::ExitedWithCode(129), "");
}

}  // namespace
}  // namespace cloudsync::cli

// SPDX-License-Identifier: Apache-2.0
#include "base/retry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace cloudsync::base {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// Time that passes only while somebody sleeps.
class FakeClock final : public Clock {
 public:
  std::int64_t now_ns() const override { return 0; }
  std::chrono::steady_clock::time_point steady_now() const override { return now_; }
  bool sleep_for(milliseconds duration, std::stop_token stop) const override {
    sleeps.push_back(duration);
    now_ += duration;
    if (on_sleep) on_sleep();
    return !stop.stop_requested();
  }

  mutable std::vector<milliseconds> sleeps;
  std::function<void()> on_sleep;

 private:
  mutable std::chrono::steady_clock::time_point now_;
};

// The largest value below any bound that matters here.
class HighRandom final : public Random {
 public:
  explicit HighRandom(std::uint64_t value) : value_(value) {}
  std::uint64_t next() override { return value_; }

 private:
  std::uint64_t value_;
};

class RetryTest : public testing::Test {
 protected:
  RetryEnvironment environment() { return {clock_, random_, on_retry_}; }

  // Fails `failures` times with `error`, then returns the number of the attempt.
  int run(const Error& error, int failures,
          Idempotency idempotency = Idempotency::kSafe) {
    return retry_loop(policy_, idempotency, context_, environment(), [&](int attempt) {
      attempts_ = attempt;
      if (attempt <= failures) throw error;
      return attempt;
    });
  }

  std::optional<Error> failure(const Error& error,
                               Idempotency idempotency = Idempotency::kSafe) {
    try {
      run(error, 1000, idempotency);
    } catch (const Error& final) {
      return final;
    }
    return std::nullopt;
  }

  FakeClock clock_;
  HighRandom random_{1000};
  RetryPolicy policy_;
  CallContext context_;
  std::function<void(const Error&, int, milliseconds)> on_retry_;
  int attempts_ = 0;
};

Error unavailable() { return Error(ErrorCode::kUnavailable, "connection reset"); }

Error throttled_for(milliseconds retry_after) {
  ServiceDetail detail;
  detail.http_status = 503;
  detail.provider_code = "SlowDown";
  detail.retry_after = retry_after;
  return Error(ErrorCode::kThrottled, "slow down", detail);
}

TEST_F(RetryTest, SuccessAtOnceSleepsNever) {
  EXPECT_EQ(run(unavailable(), 0), 1);
  EXPECT_TRUE(clock_.sleeps.empty());
}

TEST_F(RetryTest, PassingFailureIsTriedAgain) {
  EXPECT_EQ(run(unavailable(), 2), 3);
  EXPECT_EQ(clock_.sleeps.size(), 2U);
}

TEST_F(RetryTest, ExhaustedAfterTheFirstTryAndThreeRetries) {
  const auto error = failure(unavailable());
  ASSERT_TRUE(error);
  EXPECT_EQ(attempts_, 4);
  EXPECT_EQ(error->code(), ErrorCode::kUnavailable);
  EXPECT_STREQ(error->what(), "connection reset (gave up after 4 attempts in 3.0 s)");
}

TEST_F(RetryTest, PermanentFailureEndsAtOnceAndUnchanged) {
  const auto error = failure(Error(ErrorCode::kPermissionDenied, "denied"));
  ASSERT_TRUE(error);
  EXPECT_EQ(attempts_, 1);
  EXPECT_STREQ(error->what(), "denied");
}

TEST_F(RetryTest, LostAnswerOfAnUnsafeRequestIsFinal) {
  const auto error = failure(unavailable(), Idempotency::kUnsafe);
  ASSERT_TRUE(error);
  EXPECT_EQ(attempts_, 1);
}

TEST_F(RetryTest, RefusedUnsafeRequestMayBeSentAgain) {
  EXPECT_EQ(run(throttled_for(milliseconds(10)), 1, Idempotency::kUnsafe), 2);
}

TEST_F(RetryTest, RetryAfterWinsEvenOverTheCap) {
  run(throttled_for(milliseconds(90'000)), 1);
  EXPECT_THAT(clock_.sleeps, ElementsAre(milliseconds(90'000)));
}

TEST_F(RetryTest, NoRetryBeginsAfterTheDeadline) {
  context_.deadline = clock_.steady_now() + milliseconds(1500);
  const auto error = failure(unavailable());
  ASSERT_TRUE(error);
  EXPECT_EQ(attempts_, 2);
  EXPECT_STREQ(error->what(), "connection reset (gave up after 2 attempts in 1.0 s)");
}

TEST_F(RetryTest, HugeRetryAfterWithADeadlineIsFinal) {
  context_.deadline = clock_.steady_now() + milliseconds(1500);
  EXPECT_TRUE(failure(throttled_for(milliseconds(1'000'000'000'000))));
  EXPECT_EQ(attempts_, 1);
}

TEST_F(RetryTest, StopBeforeTheFirstAttemptCancels) {
  std::stop_source stop;
  stop.request_stop();
  context_.stop = stop.get_token();
  const auto error = failure(unavailable());
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kCancelled);
  EXPECT_EQ(attempts_, 0);
}

TEST_F(RetryTest, StopDuringTheWaitCancels) {
  std::stop_source stop;
  context_.stop = stop.get_token();
  clock_.on_sleep = [&] { stop.request_stop(); };
  const auto error = failure(unavailable());
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::kCancelled);
  EXPECT_EQ(attempts_, 1);
}

TEST_F(RetryTest, StopDuringAnAttemptCancelsWithoutAWait) {
  std::stop_source stop;
  context_.stop = stop.get_token();
  const auto attempt = [&](int) -> int {
    stop.request_stop();
    throw unavailable();
  };
  EXPECT_THROW(retry_loop(policy_, Idempotency::kSafe, context_, environment(), attempt),
               Error);
  EXPECT_TRUE(clock_.sleeps.empty());
}

TEST_F(RetryTest, ListenerHearsOfEachWait) {
  std::vector<std::pair<int, milliseconds>> heard;
  on_retry_ = [&](const Error& error, int attempt, milliseconds wait) {
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
    heard.emplace_back(attempt, wait);
  };
  run(unavailable(), 2);
  EXPECT_THAT(heard, ElementsAre(std::pair(1, milliseconds(1000)),
                                 std::pair(2, milliseconds(1000))));
}

TEST_F(RetryTest, EndingKeepsTheServicesWords) {
  const auto error = failure(throttled_for(milliseconds(1)));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->detail().provider_code, "SlowDown");
  EXPECT_EQ(error->detail().http_status, 503);
  EXPECT_TRUE(error->retryable());
}

TEST_F(RetryTest, NoRetriesMeansOneAttempt) {
  policy_.retries = 0;
  ASSERT_TRUE(failure(unavailable()));
  EXPECT_EQ(attempts_, 1);
}

TEST_F(RetryTest, VoidFunctionsWork) {
  int calls = 0;
  retry_loop(policy_, Idempotency::kSafe, context_, environment(), [&](int) { ++calls; });
  EXPECT_EQ(calls, 1);
}

RC_GTEST_PROP(RetryProperty, WaitIsBelowTheDoublingCap, ()) {
  const int n = *rc::gen::inRange(1, 80);
  HighRandom random(*rc::gen::arbitrary<std::uint64_t>());
  const RetryPolicy policy;
  const auto wait = backoff(policy, n, unavailable(), random);
  const auto cap = n > 4 ? milliseconds(60'000) : milliseconds(5000) * (1 << (n - 1));
  RC_ASSERT(wait >= milliseconds(0));
  RC_ASSERT(wait < cap);
}

TEST_F(RetryTest, WaitReachesUpToTheCapOfItsStep) {
  const RetryPolicy policy;
  HighRandom below_first(4999);
  EXPECT_EQ(backoff(policy, 1, unavailable(), below_first), milliseconds(4999));
  HighRandom below_second(9999);
  EXPECT_EQ(backoff(policy, 2, unavailable(), below_second), milliseconds(9999));
  HighRandom below_last(59'999);
  EXPECT_EQ(backoff(policy, 9, unavailable(), below_last), milliseconds(59'999));
}

TEST_F(RetryTest, ZeroDelayWaitsNotAtAll) {
  policy_.delay = milliseconds(0);
  EXPECT_EQ(run(unavailable(), 3), 4);
  EXPECT_THAT(clock_.sleeps, testing::Each(milliseconds(0)));
}

}  // namespace
}  // namespace cloudsync::base

// SPDX-License-Identifier: Apache-2.0
#include "auth/refreshing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "auth/auth_testing.h"
#include "auth/settable_clock_testing.h"

namespace cloudsync::auth {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr std::int64_t kSecond = SettableClock::kSecond;
constexpr int kThreads = 16;
constexpr RefreshWindows kWindows{seconds{600}, seconds{300}};

struct Ticket {
  std::string value;
  std::optional<std::int64_t> expires_ns;
  friend bool operator==(const Ticket&, const Ticket&) = default;
};

// A place tickets come from: counts, and can be held up and made to fail.
class Office {
 public:
  explicit Office(SettableClock& clock, std::int64_t life = 3600)
      : clock_(clock), life_(life) {}

  Ticket load(const CallContext& context) {
    const int number = ++loads_;
    std::unique_lock lock(mutex_);
    ++inside_;
    entered_.notify_all();
    open_.wait(lock, context.stop, [&] { return !closed_; });
    --inside_;
    context.throw_if_stopped();
    if (failure_) throw *failure_;
    return {"ticket " + std::to_string(number), clock_.now_ns() + life_ * kSecond};
  }

  void close() {
    set([this] { closed_ = true; });
  }
  void open() {
    set([this] { closed_ = false; });
  }
  void fail(std::optional<Error> failure) {
    set([&] { failure_ = std::move(failure); });
  }
  void await_caller() {
    std::unique_lock lock(mutex_);
    entered_.wait(lock, [&] { return inside_ > 0; });
  }
  int loads() const { return loads_; }

 private:
  template <class Change>
  void set(Change change) {
    const std::lock_guard lock(mutex_);
    change();
    open_.notify_all();
  }

  SettableClock& clock_;
  const std::int64_t life_;
  std::atomic<int> loads_ = 0;
  std::mutex mutex_;
  std::condition_variable_any open_;
  std::condition_variable_any entered_;
  bool closed_ = false;
  int inside_ = 0;
  std::optional<Error> failure_;
};

struct Bench {
  explicit Bench(std::int64_t life = 3600) : office(clock, life) {}

  std::string get(const CallContext& context = {}) { return tickets.get(context).value; }
  std::future<std::string> get_elsewhere(CallContext context = {}) {
    return std::async(std::launch::async, [this, context] { return get(context); });
  }

  SettableClock clock;
  Office office;
  Refreshing<Ticket> tickets{
      [this](const CallContext& context) { return office.load(context); }, kWindows,
      clock};
};

const Error kRefused(ErrorCode::kUnauthenticated, "refused");

TEST(Refreshing, LoadsOnceForManyThreads) {
  Bench bench;
  bench.office.close();
  std::vector<std::future<std::string>> callers;
  for (int i = 0; i < kThreads; ++i) callers.push_back(bench.get_elsewhere());
  bench.office.await_caller();
  bench.office.open();
  for (auto& caller : callers) EXPECT_EQ(caller.get(), "ticket 1");
  EXPECT_EQ(bench.office.loads(), 1);
}

TEST(Refreshing, KeepsAFreshCredentialAndOneWithoutAnEnd) {
  Bench bench;
  bench.get();
  bench.clock.advance(2999);
  EXPECT_EQ(bench.get(), "ticket 1");
  int loads = 0;
  Refreshing<Ticket> endless(
      [&](const CallContext&) { return Ticket{std::to_string(++loads), {}}; }, kWindows,
      bench.clock);
  endless.get({});
  bench.clock.advance(std::int64_t{10} * 365 * 24 * 3600);
  EXPECT_EQ(endless.get({}).value, "1");
}

TEST(Refreshing, OneRenewsAnAgingCredentialWhileTheOthersGoOn) {
  Bench bench;
  bench.get();
  bench.clock.advance(3001);
  bench.office.close();
  auto renewer = bench.get_elsewhere();
  bench.office.await_caller();
  for (int i = 0; i < kThreads; ++i) EXPECT_EQ(bench.get(), "ticket 1");
  bench.office.open();
  EXPECT_EQ(renewer.get(), "ticket 2");
  EXPECT_EQ(bench.get(), "ticket 2");
  EXPECT_EQ(bench.office.loads(), 2);
}

TEST(Refreshing, EverybodyWaitsForTheNewOneShortlyBeforeTheEnd) {
  Bench bench;
  bench.get();
  bench.clock.advance(3301);
  bench.office.close();
  std::vector<std::future<std::string>> callers;
  for (int i = 0; i < kThreads; ++i) callers.push_back(bench.get_elsewhere());
  bench.office.await_caller();
  bench.office.open();
  for (auto& caller : callers) EXPECT_EQ(caller.get(), "ticket 2");
  EXPECT_EQ(bench.office.loads(), 2);
}

TEST(Refreshing, AFailedRenewalOfAValidCredentialIsOnlyAWarningAndRestsForAMinute) {
  Bench bench;
  bench.get();
  bench.clock.advance(3001);
  bench.office.fail(kRefused);
  EXPECT_EQ(bench.get(), "ticket 1");
  EXPECT_EQ(bench.get(), "ticket 1");
  EXPECT_EQ(bench.office.loads(), 2);
  bench.clock.advance(61);
  EXPECT_EQ(bench.get(), "ticket 1");
  EXPECT_EQ(bench.office.loads(), 3);
  bench.office.fail(std::nullopt);
  bench.clock.advance(61);
  EXPECT_EQ(bench.get(), "ticket 4");
}

TEST(Refreshing, AFailedRenewalWithinTheLastMinutesKeepsTheOldOneUntilItsEnd) {
  Bench bench;
  bench.get();
  bench.clock.advance(3400);
  bench.office.fail(kRefused);
  EXPECT_EQ(bench.get(), "ticket 1");
  EXPECT_EQ(bench.get(), "ticket 1");
  EXPECT_EQ(bench.office.loads(), 2);
  bench.clock.advance(200);
  EXPECT_EQ(error_of([&] { bench.get(); }).code(), ErrorCode::kUnauthenticated);
}

TEST(Refreshing, WhoWaitedForALoadThatFailedGetsItsErrorAndDoesNotTryAgain) {
  Bench bench;
  bench.office.close();
  bench.office.fail(kRefused);
  auto loader = bench.get_elsewhere();
  bench.office.await_caller();
  std::vector<std::future<std::string>> waiters;
  for (int i = 0; i < kThreads; ++i) waiters.push_back(bench.get_elsewhere());
  // The waiters are seen to wait: each of them would be done at once otherwise.
  for (auto& waiter : waiters) {
    EXPECT_EQ(waiter.wait_for(std::chrono::milliseconds(1)), std::future_status::timeout);
  }
  bench.office.open();
  EXPECT_THAT(error_of([&] { loader.get(); }).what(), HasSubstr("refused"));
  int refused = 0;
  for (auto& waiter : waiters) {
    refused += error_of([&] { waiter.get(); }).code() == ErrorCode::kUnauthenticated;
  }
  EXPECT_EQ(refused, kThreads);
  // A waiter that came too late may have loaded for itself, all of them cannot have.
  EXPECT_LT(bench.office.loads(), kThreads);
}

TEST(Refreshing, ALaterCallTriesAgainAfterAFailure) {
  Bench bench;
  bench.office.fail(kRefused);
  EXPECT_EQ(error_of([&] { bench.get(); }).code(), ErrorCode::kUnauthenticated);
  bench.office.fail(std::nullopt);
  bench.clock.advance(5);
  EXPECT_EQ(bench.get(), "ticket 2");
}

TEST(Refreshing, AFailureThatMayPassIsTriedAgainAtOnce) {
  Bench bench;
  bench.office.fail(Error(ErrorCode::kUnavailable, "down"));
  EXPECT_EQ(error_of([&] { bench.get(); }).code(), ErrorCode::kUnavailable);
  bench.office.fail(std::nullopt);
  EXPECT_EQ(bench.get(), "ticket 2");
}

TEST(Refreshing, ARefusalAnswersEveryRequestThatWasInFlight) {
  Bench bench;
  const Ticket refused = bench.tickets.get({});
  bench.office.fail(kRefused);
  for (int i = 0; i < kThreads; ++i) {
    bench.tickets.invalidate(refused);
    EXPECT_THAT(error_of([&] { bench.get(); }).what(), HasSubstr("refused"));
  }
  EXPECT_EQ(bench.office.loads(), 2);
}

TEST(Refreshing, ARefusalIsNotRememberedWhenTheClockIsSetBack) {
  Bench bench;
  bench.office.fail(kRefused);
  error_of([&] { bench.get(); });
  bench.office.fail(std::nullopt);
  bench.clock.advance(-3600);
  EXPECT_EQ(bench.get(), "ticket 2");
}

TEST(Refreshing, ASourceThatGivesTheRefusedOneAgainIsAskedOnceForAllInFlight) {
  SettableClock clock;
  int loads = 0;
  Refreshing<Ticket> tickets(
      [&](const CallContext&) -> Ticket {
        ++loads;
        return {"cached", {}};
      },
      kWindows, clock);
  const Ticket refused = tickets.get({});
  EXPECT_TRUE(tickets.invalidate(refused));
  EXPECT_EQ(tickets.get({}).value, "cached");
  for (int i = 0; i < kThreads; ++i) {
    EXPECT_FALSE(tickets.invalidate(refused));
    EXPECT_EQ(tickets.get({}).value, "cached");
  }
  EXPECT_EQ(loads, 2);
  clock.advance(5);
  EXPECT_TRUE(tickets.invalidate(refused));
}

TEST(Refreshing, ACredentialThatIsOverWhenItComesIsAFailureAndNoReasonToAskForEver) {
  Bench bench(0);
  for (int i = 0; i < kThreads; ++i) {
    const Error error = error_of([&] { bench.get(); });
    EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
    EXPECT_THAT(error.what(),
                HasSubstr("this machine's clock says 2026-11-23T18:00:00Z"));
  }
  EXPECT_EQ(bench.office.loads(), 1);
}

TEST(Refreshing, AWaiterThatIsStoppedLeavesAtOnce) {
  Bench bench;
  bench.office.close();
  auto loader = bench.get_elsewhere();
  bench.office.await_caller();
  std::stop_source stop;
  auto waiter = bench.get_elsewhere({stop.get_token(), {}});
  stop.request_stop();
  EXPECT_EQ(error_of([&] { waiter.get(); }).code(), ErrorCode::kCancelled);
  bench.office.open();
  EXPECT_EQ(loader.get(), "ticket 1");
}

TEST(Refreshing, AWaiterWhoseTimeIsOverLeaves) {
  Bench bench;
  bench.office.close();
  auto loader = bench.get_elsewhere();
  bench.office.await_caller();
  const CallContext late{{}, std::chrono::steady_clock::now()};
  EXPECT_EQ(error_of([&] { bench.get(late); }).code(), ErrorCode::kDeadlineExceeded);
  bench.office.open();
  EXPECT_EQ(loader.get(), "ticket 1");
}

TEST(Refreshing, ALoaderThatIsStoppedDoesNotFailTheOthers) {
  Bench bench;
  bench.office.close();
  std::stop_source stop;
  auto loader = bench.get_elsewhere({stop.get_token(), {}});
  bench.office.await_caller();
  std::vector<std::future<std::string>> waiters;
  for (int i = 0; i < kThreads; ++i) waiters.push_back(bench.get_elsewhere());
  stop.request_stop();
  EXPECT_EQ(error_of([&] { loader.get(); }).code(), ErrorCode::kCancelled);
  bench.office.open();
  for (auto& waiter : waiters) EXPECT_EQ(waiter.get(), "ticket 2");
  EXPECT_EQ(bench.office.loads(), 2);
}

TEST(Refreshing, ALoaderWhoseOwnTimeIsOverDoesNotFailTheOthers) {
  SettableClock clock;
  std::promise<void> entered;
  std::promise<void> go;
  std::atomic<int> loads = 0;
  Refreshing<Ticket> tickets(
      [&](const CallContext&) -> Ticket {
        if (++loads > 1) return {"good", {}};
        entered.set_value();
        go.get_future().wait();
        throw Error(ErrorCode::kDeadlineExceeded, "too late");
      },
      kWindows, clock);
  const CallContext late{{}, std::chrono::steady_clock::now()};
  auto loader = std::async(std::launch::async, [&] { return tickets.get(late).value; });
  entered.get_future().wait();
  auto waiter = std::async(std::launch::async, [&] { return tickets.get({}).value; });
  EXPECT_EQ(waiter.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  go.set_value();
  EXPECT_EQ(error_of([&] { loader.get(); }).code(), ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(waiter.get(), "good");
}

TEST(Refreshing, AnExceptionThatIsNotOursDoesNotLockTheOthersOut) {
  SettableClock clock;
  int loads = 0;
  Refreshing<Ticket> tickets(
      [&](const CallContext&) -> Ticket {
        if (++loads == 1) throw std::out_of_range("a fault");
        return {"good", {}};
      },
      kWindows, clock);
  EXPECT_EQ(error_of([&] { tickets.get({}); }).code(), ErrorCode::kInternal);
  EXPECT_EQ(tickets.get({}).value, "good");
}

TEST(Refreshing, AShortLifeShrinksTheWindowsToAQuarter) {
  Bench bench(400);
  bench.get();
  bench.clock.advance(299);
  EXPECT_EQ(bench.get(), "ticket 1");
  EXPECT_EQ(bench.office.loads(), 1);
  bench.clock.advance(2);
  EXPECT_EQ(bench.get(), "ticket 2");
}

TEST(Refreshing, ForgetsTheRefusedOneOnly) {
  Bench bench;
  const Ticket first = bench.tickets.get({});
  bench.tickets.invalidate(first);
  const Ticket second = bench.tickets.get({});
  EXPECT_EQ(second.value, "ticket 2");
  bench.tickets.invalidate(first);
  EXPECT_EQ(bench.get(), "ticket 2");
  EXPECT_EQ(bench.office.loads(), 2);
}

TEST(Refreshing, ManyThreadsWithTheSameRefusedOneLoadOnce) {
  Bench bench;
  const Ticket refused = bench.tickets.get({});
  std::barrier start(kThreads);
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      start.arrive_and_wait();
      bench.tickets.invalidate(refused);
      EXPECT_EQ(bench.get(), "ticket 2");
    });
  }
  threads.clear();
  EXPECT_EQ(bench.office.loads(), 2);
}

TEST(Refreshing, ACredentialThatWasRefusedIsNotUsedWhenItsRenewalFails) {
  Bench bench;
  const Ticket refused = bench.tickets.get({});
  bench.tickets.invalidate(refused);
  bench.office.fail(kRefused);
  EXPECT_EQ(error_of([&] { bench.get(); }).code(), ErrorCode::kUnauthenticated);
}

}  // namespace
}  // namespace cloudsync::auth

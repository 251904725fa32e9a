// SPDX-License-Identifier: Apache-2.0
#include "base/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <latch>
#include <set>

namespace cloudsync::base {
namespace {

using std::chrono::milliseconds;

// A door that tasks wait at, and that counts who came.
class Gate {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void await_waiting(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ >= count; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  int waiting() {
    const std::lock_guard lock(mutex_);
    return waiting_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool open_ = false;
};

// The file of many parts, as the transfers do it: whoever waits helps.
void run_in_parts(WorkerPool& pool, int parts, std::atomic<int>& done) {
  std::atomic<int> left = parts;
  std::mutex mutex;
  std::condition_variable all_done;
  for (int i = 0; i < parts; ++i) {
    pool.submit_urgent([&] {
      ++done;
      const std::lock_guard lock(mutex);
      if (--left == 0) all_done.notify_all();
    });
  }
  while (left > 0 && pool.run_one_urgent()) {
  }
  std::unique_lock lock(mutex);
  all_done.wait(lock, [&] { return left == 0; });
}

TEST(WorkerPoolTest, RunsEveryTaskOnce) {
  WorkerPool pool(4, 4, 8);
  std::atomic<int> done = 0;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(pool.submit([&] { ++done; }));
  pool.wait_idle();
  EXPECT_EQ(done, 1000);
  EXPECT_EQ(pool.running(), 0U);
}

TEST(WorkerPoolTest, WaitingForPartsNeverDeadlocks) {
  std::atomic<int> done = 0;
  WorkerPool pool(4, 4, 4);
  for (int file = 0; file < 64; ++file) {
    pool.submit([&] { run_in_parts(pool, 16, done); });
  }
  pool.wait_idle();
  EXPECT_EQ(done, 64 * 16);
}

TEST(WorkerPoolTest, OneThreadCanWaitForItsOwnParts) {
  std::atomic<int> done = 0;
  WorkerPool pool(1, 1, 1);
  for (int file = 0; file < 8; ++file) {
    pool.submit([&] { run_in_parts(pool, 8, done); });
  }
  pool.wait_idle();
  EXPECT_EQ(done, 64);
}

TEST(WorkerPoolTest, UrgentTasksGoFirst) {
  WorkerPool pool(1, 1, 16);
  Gate gate;
  std::vector<int> order;
  pool.submit([&] { gate.pass(); });
  gate.await_waiting(1);
  pool.submit([&] { order.push_back(1); });
  pool.submit_urgent([&] { order.push_back(2); });
  gate.open();
  pool.wait_idle();
  EXPECT_EQ(order, (std::vector{2, 1}));
}

TEST(WorkerPoolTest, NeverMoreThanTheLimitRun) {
  WorkerPool pool(8, 3, 64);
  std::atomic<int> now = 0;
  std::atomic<int> most = 0;
  for (int i = 0; i < 200; ++i) {
    pool.submit([&] {
      const int n = ++now;
      int seen = most;
      while (n > seen && !most.compare_exchange_weak(seen, n)) {
      }
      std::this_thread::yield();
      --now;
    });
  }
  pool.wait_idle();
  EXPECT_LE(most, 3);
}

TEST(WorkerPoolTest, RaisedLimitTakesEffectAtOnce) {
  WorkerPool pool(8, 1, 64);
  Gate gate;
  for (int i = 0; i < 8; ++i) pool.submit([&] { gate.pass(); });
  gate.await_waiting(1);
  EXPECT_EQ(gate.waiting(), 1);
  pool.set_limit(5);
  gate.await_waiting(5);
  EXPECT_EQ(pool.running(), 5U);
  EXPECT_EQ(pool.limit(), 5U);
  gate.open();
  pool.wait_idle();
}

TEST(WorkerPoolTest, LoweredLimitStartsNothingNew) {
  WorkerPool pool(4, 4, 64);
  Gate first;
  Gate second;
  for (int i = 0; i < 4; ++i) pool.submit([&] { first.pass(); });
  first.await_waiting(4);
  pool.set_limit(1);
  for (int i = 0; i < 4; ++i) pool.submit([&] { second.pass(); });
  first.open();
  second.await_waiting(1);
  while (pool.running() > 1) std::this_thread::yield();
  EXPECT_EQ(second.waiting(), 1);
  second.open();
  pool.wait_idle();
}

TEST(WorkerPoolTest, LimitStaysInItsRange) {
  WorkerPool pool(4, 99, 4);
  EXPECT_EQ(pool.limit(), 4U);
  pool.set_limit(0);
  EXPECT_EQ(pool.limit(), 1U);
}

TEST(WorkerPoolTest, FewTasksStayOnFewThreads) {
  WorkerPool pool(16, 16, 16);
  std::mutex mutex;
  std::set<std::thread::id> threads;
  for (int i = 0; i < 100; ++i) {
    pool.submit([&] {
      const std::lock_guard lock(mutex);
      threads.insert(std::this_thread::get_id());
    });
    pool.wait_idle();
  }
  EXPECT_LE(threads.size(), 2U);
}

TEST(WorkerPoolTest, SubmitBlocksWhileTheQueueIsFull) {
  WorkerPool pool(1, 1, 1);
  Gate gate;
  pool.submit([&] { gate.pass(); });
  gate.await_waiting(1);
  pool.submit([] {});
  std::atomic<bool> submitted = false;
  std::jthread submitter([&] {
    pool.submit([] {});
    submitted = true;
  });
  EXPECT_FALSE(submitted);
  gate.open();
  submitter.join();
  EXPECT_TRUE(submitted);
}

TEST(WorkerPoolTest, StopEndsABlockedSubmit) {
  WorkerPool pool(1, 1, 1);
  Gate gate;
  std::stop_source stop;
  pool.submit([&] { gate.pass(); });
  gate.await_waiting(1);
  pool.submit([] {});
  std::atomic<bool> ran = false;
  std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_FALSE(pool.submit([&] { ran = true; }, stop.get_token()));
  gate.open();
  pool.wait_idle();
  EXPECT_FALSE(ran);
}

TEST(WorkerPoolTest, StoppedSubmitDropsTheTaskEvenWithRoom) {
  WorkerPool pool(1, 1, 4);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(pool.submit([] {}, stop.get_token()));
}

TEST(WorkerPoolTest, StoppedWaitDropsQueuedTasksAndAwaitsRunningOnes) {
  WorkerPool pool(1, 1, 8);
  Gate gate;
  std::stop_source stop;
  std::atomic<int> ran = 0;
  std::atomic<int> parts = 0;
  pool.submit([&] {
    gate.pass();
    run_in_parts(pool, 4, parts);
    ++ran;
  });
  gate.await_waiting(1);
  for (int i = 0; i < 4; ++i) pool.submit([&] { ran += 100; });
  stop.request_stop();
  std::jthread opener([&] { gate.open(); });
  pool.wait_idle(stop.get_token());
  EXPECT_EQ(ran % 100, 1);
  EXPECT_EQ(parts, 4);
  EXPECT_EQ(pool.running(), 0U);
}

TEST(WorkerPoolTest, CapturesAreGoneWhenThePoolIsIdle) {
  WorkerPool pool(2, 2, 8);
  for (int i = 0; i < 200; ++i) {
    auto token = std::make_shared<int>(i);
    const std::weak_ptr<int> watch = token;
    pool.submit([token = std::move(token)] {});
    pool.wait_idle();
    ASSERT_TRUE(watch.expired());
  }
}

// A queued task's captures die when the destructor drops the queue, which lets the
// running one go: were the queue run instead, the test would count it.
TEST(WorkerPoolTest, DestructionDropsWhatHasNotBegun) {
  std::atomic<int> ran = 0;
  Gate gate;
  {
    WorkerPool pool(1, 1, 64);
    pool.submit([&gate, &ran] {
      gate.pass();
      ++ran;
    });
    gate.await_waiting(1);
    for (int i = 0; i < 32; ++i) pool.submit([&ran] { ran += 100; });
    pool.submit([opener = std::shared_ptr<Gate>(&gate, [](Gate* g) { g->open(); })] {});
  }
  EXPECT_EQ(ran, 1);
}

TEST(WorkerPoolTest, DestructionWaitsForAFileAndItsParts) {
  std::atomic<int> parts = 0;
  Gate gate;
  {
    WorkerPool pool(2, 2, 8);
    pool.submit([&] {
      gate.pass();
      run_in_parts(pool, 32, parts);
    });
    gate.await_waiting(1);
    gate.open();
  }
  EXPECT_EQ(parts, 32);
}

TEST(WorkerPoolTest, ForeignThreadMayHelp) {
  WorkerPool pool(1, 1, 8);
  Gate gate;
  std::atomic<int> ran = 0;
  pool.submit([&] { gate.pass(); });
  gate.await_waiting(1);
  pool.submit_urgent([&] { ++ran; });
  EXPECT_TRUE(pool.run_one_urgent());
  EXPECT_EQ(ran, 1);
  EXPECT_FALSE(pool.run_one_urgent());
  gate.open();
  pool.wait_idle();
}

}  // namespace
}  // namespace cloudsync::base

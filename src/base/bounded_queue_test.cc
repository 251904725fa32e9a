// SPDX-License-Identifier: Apache-2.0
#include "base/bounded_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <numeric>
#include <thread>
#include <vector>

namespace cloudsync::base {
namespace {

TEST(BoundedQueueTest, KeepsTheOrder) {
  BoundedQueue<int> queue(4);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(queue.push(i));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(queue.pop(), i);
}

TEST(BoundedQueueTest, PushBlocksWhileFull) {
  BoundedQueue<int> queue(1);
  queue.push(1);
  std::atomic<bool> pushed = false;
  std::jthread producer([&] {
    queue.push(2);
    pushed = true;
  });
  EXPECT_FALSE(pushed);
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_EQ(queue.pop(), 2);
}

TEST(BoundedQueueTest, CloseLetsPopsDrain) {
  BoundedQueue<int> queue(4);
  queue.push(1);
  queue.push(2);
  queue.close();
  EXPECT_FALSE(queue.push(3));
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_EQ(queue.pop(), 2);
  EXPECT_EQ(queue.pop(), std::nullopt);
}

TEST(BoundedQueueTest, CloseWakesBothSides) {
  BoundedQueue<int> empty(1);
  BoundedQueue<int> full(1);
  full.push(1);
  std::jthread popper([&] { EXPECT_EQ(empty.pop(), std::nullopt); });
  std::jthread pusher([&] { EXPECT_FALSE(full.push(2)); });
  empty.close();
  full.close();
}

TEST(BoundedQueueTest, StopWakesBothSides) {
  BoundedQueue<int> empty(1);
  BoundedQueue<int> full(1);
  full.push(1);
  std::stop_source stop;
  std::jthread popper([&] { EXPECT_EQ(empty.pop(stop.get_token()), std::nullopt); });
  std::jthread pusher([&] { EXPECT_FALSE(full.push(2, stop.get_token())); });
  stop.request_stop();
}

TEST(BoundedQueueTest, HoldsWhatCannotBeCopied) {
  BoundedQueue<std::unique_ptr<int>> queue(1);
  EXPECT_TRUE(queue.push(std::make_unique<int>(7)));
  EXPECT_EQ(**queue.pop(), 7);
}

TEST(BoundedQueueTest, ManyProducersAndConsumersLoseNothing) {
  BoundedQueue<int> queue(3);
  std::atomic<int> sum = 0;
  std::vector<std::jthread> consumers;
  for (int c = 0; c < 3; ++c) {
    consumers.emplace_back([&] {
      while (const auto item = queue.pop()) sum += *item;
    });
  }
  std::vector<std::jthread> producers;
  for (int p = 0; p < 3; ++p) {
    producers.emplace_back([&] {
      for (int i = 1; i <= 500; ++i) queue.push(i);
    });
  }
  producers.clear();
  queue.close();
  consumers.clear();
  EXPECT_EQ(sum, 3 * 500 * 501 / 2);
}

}  // namespace
}  // namespace cloudsync::base

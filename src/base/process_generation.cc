// SPDX-License-Identifier: Apache-2.0
#include "base/process_generation.h"

#include <pthread.h>

#include <atomic>

namespace cloudsync::base {
namespace {

std::atomic<unsigned> generation{1};

void count_child() { ++generation; }

}  // namespace

unsigned process_generation() {
  static const int registered = ::pthread_atfork(nullptr, nullptr, &count_child);
  static_cast<void>(registered);
  return generation;
}

}  // namespace cloudsync::base

// SPDX-License-Identifier: Apache-2.0
#include "sync/run/request_limit.h"

#include <sys/resource.h>

#include <algorithm>

namespace cloudsync::sync {
namespace {

constexpr std::size_t kMost = 256;
constexpr std::size_t kMostFixed = 512;
// Descriptors that a request takes at its worst (file, folder, connection, two to wake
// it), and those of everything else.
constexpr rlim_t kEach = 6;
constexpr rlim_t kOthers = 100;

std::size_t most_in_flight() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY)
    return kMost;
  if (files.rlim_cur < kOthers) return 1;
  return static_cast<std::size_t>(
      std::clamp<rlim_t>((files.rlim_cur - kOthers) / kEach, 1, kMost));
}

}  // namespace

base::ConcurrencyController::Options concurrency_options(const EngineOptions& engine) {
  base::ConcurrencyController::Options options;
  options.maximum = most_in_flight();
  if (engine.max_workers) {
    options.fixed = true;
    options.initial = options.maximum = static_cast<std::size_t>(
        std::clamp<int>(*engine.max_workers, 1, static_cast<int>(kMostFixed)));
  }
  return options;
}

}  // namespace cloudsync::sync

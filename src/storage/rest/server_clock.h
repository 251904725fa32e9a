// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>

#include "http/transport.h"

namespace cloudsync::storage::rest {

// How far the service's clock is ahead of ours, by the Date of its answers. Thread-safe.
class ServerClock {
 public:
  // Our clock when the request went out and when its answer was there. Answers that took
  // long, come from a cache or from a gateway in trouble tell nothing.
  void observe(const http::HttpResponse& response, std::int64_t sent_ns,
               std::int64_t received_ns);
  // Nothing before an answer told. An answer bounds the offset from both sides (a Date
  // has whole seconds); this is the largest of the smallest corrections, so that clocks
  // that may agree have the offset 0 and one that was wrong once stays known as wrong.
  std::optional<std::int64_t> offset_ns() const;

 private:
  mutable std::mutex mutex_;
  std::optional<std::int64_t> offset_ns_;  // guarded by mutex_
};

}  // namespace cloudsync::storage::rest

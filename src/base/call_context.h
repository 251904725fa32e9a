// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>

#include "cloudsync/error.h"

namespace cloudsync {

// The one way to pass cancellation and time down to a store or transport. Copied freely.
struct CallContext {
  std::stop_token stop;  // nothing new is begun
  std::optional<std::chrono::steady_clock::time_point> deadline;
  // Where it is set, what changes something and is on its way may still be answered after
  // `stop`, until this one fires.
  std::stop_token abandon = {};

  bool stopped() const { return stop.stop_requested(); }

  const std::stop_token& stop_of_changes() const {
    return abandon.stop_possible() ? abandon : stop;
  }

  // Throws Error{kCancelled} when the caller asked to stop.
  void throw_if_stopped() const {
    if (stopped()) throw Error(ErrorCode::kCancelled, "stopped on request");
  }
};

}  // namespace cloudsync

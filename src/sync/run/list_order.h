// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/clock.h"
#include "cloudsync/sync_state.h"

namespace cloudsync::sync {

// Whether a bucket was seen to list out of order. Remembered for a week, since servers
// change.
class ListOrder {
 public:
  ListOrder(SyncStateDatabase& state, const base::Clock& clock, const PairIdentity& pair);

  bool is_unordered() const { return unordered_; }
  // It was seen in this run; written down where the run may write.
  void found_unordered(bool may_write);

 private:
  SyncStateDatabase& state_;
  const base::Clock& clock_;
  const std::string name_;
  bool unordered_ = false;
};

}  // namespace cloudsync::sync

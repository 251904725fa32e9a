// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "storage/object_store.h"

namespace cloudsync::sync {

// The store's clock against ours, as far as the run has seen it. A difference of more
// than five minutes decides nothing: no trash is purged, timestamp_wins has ties; the
// notice says so once a run. Below, the offset is applied. Thread-safe.
class StoreClock {
 public:
  using Notice = std::function<void(const std::string&)>;
  StoreClock(storage::ObjectStore& store, const base::Clock& clock, Notice notice);

  // The store's clock less ours, 0 while it is not known.
  std::int64_t offset_ns();
  // Known to be wrong: the two are too far apart, whichever of them is right.
  bool is_wrong();
  // What objects are aged by; nothing when it is not known or known to be wrong.
  std::optional<std::int64_t> server_now_ns();

 private:
  std::optional<std::int64_t> observed();

  storage::ObjectStore& store_;
  const base::Clock& clock_;
  Notice notice_;
  std::once_flag said_;
};

}  // namespace cloudsync::sync

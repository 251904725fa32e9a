// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/file_system.h"

namespace cloudsync::sync {

// The clock that stamps the files of a root: of this kernel, of a file server, or of
// whatever a driver makes up.
struct FileClock {
  bool known = false;
  std::int64_t offset_ns = 0;  // its time less ours
  // Times that tell two writes apart only when they are seconds away from each other.
  bool coarse = false;

  std::int64_t now_ns(const base::Clock& clock) const {
    return clock.now_ns() + offset_ns;
  }
  // Ours and the file system's differ by more than five minutes: one of them is wrong.
  bool is_wrong() const;
};

// Told by a file written for this and removed again. Unknown where that fails.
FileClock read_file_clock(base::FileSystem& files, const base::Clock& clock,
                          const std::string& path);

}  // namespace cloudsync::sync

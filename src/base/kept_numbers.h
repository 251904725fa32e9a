// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/time_range.h"

namespace cloudsync::base {

// What a file's stat is worth between two runs. The device number is worth nothing: it
// changes with each mount. Inode numbers and ctimes count where the file system keeps
// them, and a 0 was never known.
struct KeptNumbers {
  bool inode = true;
  bool change_time = true;
  bool exact_mtime = true;  // false: what is read back may be cut to 1 or 2 s

  bool same_inode(std::uint64_t a, std::uint64_t b) const {
    return a == b || !inode || a == 0 || b == 0;
  }
  bool same_change_time(std::int64_t a, std::int64_t b) const {
    return a == b || !change_time || a == 0 || b == 0;
  }
  // `now` is the recorded time, or what a file system of coarse times left of it since.
  bool same_mtime(std::int64_t now, std::int64_t recorded) const {
    if (now == recorded) return true;
    return !exact_mtime && (is_cut(now, recorded, 1) || is_cut(now, recorded, 2));
  }

 private:
  static bool is_cut(std::int64_t now, std::int64_t recorded, std::int64_t seconds) {
    const std::int64_t step = seconds * 1'000'000'000;
    const std::int64_t rest = recorded % step;
    return now == time_difference(recorded, rest < 0 ? rest + step : rest);
  }
};

}  // namespace cloudsync::base

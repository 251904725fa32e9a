// SPDX-License-Identifier: Apache-2.0
#include "storage/local/local_clock.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>

#include "base/clock.h"
#include "cloudsync/error.h"
#include "storage/local/posix_file.h"

namespace cloudsync::storage::local {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kSecond = 1'000 * kMillisecond;
constexpr std::chrono::seconds kMeasuredFor{60};

}  // namespace

void stamp_now(int fd, const std::string& where) {
  std::int64_t now = base::system_clock().now_ns();
  const std::int64_t written = stat_of(fd, where).mtime_ns;
  if (std::abs(now - written) > 60 * kSecond) {
    now = written - written % kMillisecond + now % kMillisecond;
  }
  const timespec time{now / kSecond, now % kSecond};
  const timespec both[2] = {time, time};
  if (futimens(fd, both) == 0 || lacks_rename_flag(errno) || errno == EPERM) return;
  throw_errno("set the time of", where, errno);
}

std::optional<std::int64_t> FileSystemClock::offset_ns() {
  const std::lock_guard lock(mutex_);
  const auto now = base::system_clock().steady_now();
  if (measured_ && now - *measured_ < kMeasuredFor) return offset_;
  measured_ = now;
  offset_ = measure();
  return offset_;
}

std::optional<std::int64_t> FileSystemClock::measure() const {
  try {
    const UniqueFd bucket = folder_.open();
    if (!bucket) return std::nullopt;
    const TemporaryFile file(bucket.get());
    const std::int64_t theirs = stat_of(file.fd(), file.path()).mtime_ns;
    return theirs - base::system_clock().now_ns();
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace cloudsync::storage::local

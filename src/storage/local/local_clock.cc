// SPDX-License-Identifier: Apache-2.0
#include "storage/local/local_clock.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cloudsync/error.h"

namespace cloudsync::storage::local {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

}  // namespace

std::optional<std::int64_t> clock_offset_of(const BucketFolder& folder) {
  try {
    const UniqueFd bucket = folder.open();
    if (!bucket) return std::nullopt;
    const TemporaryFile probe(bucket.get());
    struct stat seen {};
    const bool written =
        ::write(probe.fd(), "x", 1) == 1 && ::fstat(probe.fd(), &seen) == 0;
    if (!written) return std::nullopt;
    return seen.st_mtim.tv_sec * kSecond + seen.st_mtim.tv_nsec -
           base::system_clock().now_ns();
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace cloudsync::storage::local

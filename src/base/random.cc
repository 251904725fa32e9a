// SPDX-License-Identifier: Apache-2.0
#include "base/random.h"

#include <sys/random.h>

#include <cerrno>
#include <system_error>

#include <fmt/format.h>

#include "cloudsync/error.h"

namespace cloudsync::base {
namespace {

// One system call a number: stateless, so neither threads nor fork() can repeat a value.
class SystemRandom final : public Random {
 public:
  std::uint64_t next() override {
    std::uint64_t value = 0;
    while (getrandom(&value, sizeof value, 0) != static_cast<ssize_t>(sizeof value)) {
      if (errno != EINTR) {
        throw Error(ErrorCode::kInternal, "cannot get random numbers from the system: " +
                                              std::generic_category().message(errno));
      }
    }
    return value;
  }
};

}  // namespace

Random& system_random() {
  static SystemRandom random;
  return random;
}

std::string random_hex_id(Random& random) {
  const std::uint64_t high = random.next();
  const std::uint64_t low = random.next();
  return fmt::format("{:016x}{:016x}", high, low);
}

}  // namespace cloudsync::base

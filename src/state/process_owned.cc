// SPDX-License-Identifier: Apache-2.0
#include "state/process_owned.h"

#include <pthread.h>

#include <atomic>

#include <fmt/format.h>

#include "base/process_generation.h"
#include "cloudsync/error.h"

namespace cloudsync::state {
namespace {

std::atomic<int> open_here{0};
std::atomic<int> open_at_fork{0};

void enter_child() { open_at_fork += open_here.exchange(0); }

void watch_forks() {
  static const int registered = ::pthread_atfork(nullptr, nullptr, &enter_child);
  static_cast<void>(registered);
}

[[noreturn]] void refuse(const std::string& path) {
  throw Error(
      ErrorCode::kUnsupported,
      fmt::format("state database \"{}\": this process was forked while a state database "
                  "was open, and cannot use one safely; fork before it is opened, or "
                  "start another program (exec)",
                  path));
}

}  // namespace

ProcessOwned::ProcessOwned(const std::string& path)
    : generation_(base::process_generation()) {
  watch_forks();
  if (open_at_fork > 0) refuse(path);
  ++open_here;
}

ProcessOwned::~ProcessOwned() {
  if (!inherited()) --open_here;
}

bool ProcessOwned::any_open() { return open_here > 0; }

bool ProcessOwned::inherited() const { return generation_ != base::process_generation(); }

void ProcessOwned::require_own(const std::string& path) const {
  if (inherited()) refuse(path);
}

}  // namespace cloudsync::state

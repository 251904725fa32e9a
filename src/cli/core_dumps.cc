// SPDX-License-Identifier: Apache-2.0
#include "cli/core_dumps.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <cstdlib>
#include <string_view>

namespace cloudsync::cli {

void keep_secrets_out_of_core_dumps() {
  const char* asked = std::getenv("CLOUDSYNC_CORE_DUMPS");
  if (asked != nullptr && std::string_view(asked) == "1") return;
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__  // its leak checker attaches to the process
  // Where dumps go to a program the limit does not count, and this does.
  ::prctl(PR_SET_DUMPABLE, 0);
#endif
}

}  // namespace cloudsync::cli

// SPDX-License-Identifier: Apache-2.0
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "cli/core_dumps.h"
#include "cli/program.h"

namespace {

// Hundreds of requests in flight need more descriptors than the usual 1024.
void allow_many_files() {
  constexpr rlim_t kEnough = 16384;
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= kEnough) return;
  files.rlim_cur = std::min(files.rlim_max, kEnough);
  ::setrlimit(RLIMIT_NOFILE, &files);
}

}  // namespace

int main(int argc, char** argv) {
  allow_many_files();
  cloudsync::cli::keep_secrets_out_of_core_dumps();
  return cloudsync::cli::run_program({argv + (argc > 0 ? 1 : 0), argv + argc},
                                     STDOUT_FILENO, STDERR_FILENO);
}

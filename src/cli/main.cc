// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include "cli/program.h"

int main(int argc, char** argv) {
  return cloudsync::cli::run_program({argv + (argc > 0 ? 1 : 0), argv + argc},
                                     STDOUT_FILENO, STDERR_FILENO);
}

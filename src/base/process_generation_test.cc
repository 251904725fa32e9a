// SPDX-License-Identifier: Apache-2.0
#include "base/process_generation.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cloudsync::base {
namespace {

TEST(ProcessGeneration, DiffersInAChild) {
  const unsigned before = process_generation();
  EXPECT_NE(before, 0U);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(process_generation() != before ? 7 : 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 7);
  EXPECT_EQ(process_generation(), before);
}

}  // namespace
}  // namespace cloudsync::base

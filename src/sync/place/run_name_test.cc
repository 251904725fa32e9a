// SPDX-License-Identifier: Apache-2.0
#include "sync/place/run_name.h"

#include <gtest/gtest.h>

#include "base/time_format.h"

namespace cloudsync::sync {
namespace {

TEST(RunName, SaysWhenAndWhose) {
  const std::string name =
      make_run_name(base::system_clock(), base::system_random(), "0123456789abcdef");
  const auto run = parse_run_name(name);
  ASSERT_TRUE(run) << name;
  EXPECT_EQ(run->replica, "012345");
  EXPECT_EQ(run->time_ns, *base::parse_rfc3339(base::format_rfc3339(run->time_ns)));
}

TEST(RunName, OlderNamesNameNoReplica) {
  const auto run = parse_run_name("20200101T000000Z-abcdef");
  ASSERT_TRUE(run);
  EXPECT_EQ(run->replica, "");
  EXPECT_EQ(run->time_ns, *base::parse_rfc3339("2020-01-01T00:00:00Z"));
}

TEST(RunName, OfAnyOtherFormIsNone) {
  for (const char* name :
       {"", "20200101T000000Z", "20200101T000000Z-", "20200101T000000Z-abcde",
        "20200101T000000Z-ABCDEF", "20200101T000000Z-abcdef-", "20209901T000000Z-abcdef",
        "20200101T000000Z-abcdef-012345-1", "2020-01-01T00:00:00Z-abcdef",
        "20200101T000000Z-abcdef/x", "20200101T000000Z-abcdefg"}) {
    EXPECT_FALSE(parse_run_name(name)) << name;
  }
}

}  // namespace
}  // namespace cloudsync::sync

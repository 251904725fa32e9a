// SPDX-License-Identifier: Apache-2.0
#include "storage/rest/object_tags.h"

#include <gtest/gtest.h>

#include "cloudsync/error.h"

namespace cloudsync::storage::rest {
namespace {

TEST(ObjectTags, AQueryIsPercentEncoded) {
  EXPECT_EQ(tags_query({}), "");
  EXPECT_EQ(tags_query({{"team", "red & blue"}, {"tier", "1"}}),
            "team=red%20%26%20blue&tier=1");
}

TEST(ObjectTags, ASetIsReadBelowAnyRoot) {
  const Tags tags{{"team", "red & blue"}, {"empty", ""}};
  EXPECT_EQ(parse_tags("<Tagging><TagSet><Tag><Key>team</Key><Value>red &amp; blue"
                       "</Value></Tag><Tag><Key>empty</Key><Value/></Tag></TagSet>"
                       "</Tagging>"),
            tags);
  EXPECT_EQ(parse_tags("<?xml version=\"1.0\"?><Tags><TagSet/></Tags>"), Tags{});
  EXPECT_THROW(parse_tags("<html><body/></html>"), Error);
}

}  // namespace
}  // namespace cloudsync::storage::rest

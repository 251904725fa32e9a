// SPDX-License-Identifier: Apache-2.0
#include "storage/content_type.h"

#include <gtest/gtest.h>

namespace cloudsync::storage {
namespace {

TEST(ContentTypeTest, IsByLastExtensionInAnyCase) {
  EXPECT_EQ(content_type_for("a/b.CSV"), "text/csv");
  EXPECT_EQ(content_type_for("a.tar.gz"), "application/gzip");
  EXPECT_EQ(content_type_for("data.parquet"), "application/vnd.apache.parquet");
}

TEST(ContentTypeTest, UnknownNamesAreOctetStreams) {
  for (const char* key :
       {"", "a", "dir.csv/file", "x.", "x.unheardof", "x.averylongextension"}) {
    EXPECT_EQ(content_type_for(key), "application/octet-stream") << key;
  }
}

}  // namespace
}  // namespace cloudsync::storage

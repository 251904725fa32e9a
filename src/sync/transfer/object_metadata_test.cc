// SPDX-License-Identifier: Apache-2.0
#include "sync/transfer/object_metadata.h"

#include <gtest/gtest.h>

namespace cloudsync::sync {
namespace {

TEST(ObjectMetadataTest, MtimeIsDecimalSecondsAsRcloneWritesIt) {
  const auto metadata = file_metadata(1700000000123456789, std::nullopt);
  EXPECT_EQ(metadata.at("mtime"), "1700000000.123456789");
  EXPECT_FALSE(metadata.contains("md5chksum"));
}

TEST(ObjectMetadataTest, TimesBefore1970KeepTheirSign) {
  EXPECT_EQ(file_metadata(-1'500'000'000, std::nullopt).at("mtime"), "-1.5");
}

TEST(ObjectMetadataTest, Md5IsBase64) {
  EXPECT_EQ(file_metadata(0, Md5Digest{}).at("md5chksum"), "AAAAAAAAAAAAAAAAAAAAAA==");
}

TEST(ObjectMetadataTest, SymlinkTargetsOfAnyBytesComeBack) {
  const std::string target = "dir/n\xC3\xA4me %41\n";
  const auto metadata = symlink_metadata(0, target);
  for (const char c : metadata.at("cs-symlink")) EXPECT_TRUE(c > 0x20 && c < 0x7F);
  EXPECT_EQ(symlink_target(metadata), target);
  EXPECT_EQ(symlink_target({}), std::nullopt);
}

TEST(ObjectMetadataTest, ContentTypeIsByLastExtensionInAnyCase) {
  EXPECT_EQ(content_type_for("a/b.CSV"), "text/csv");
  EXPECT_EQ(content_type_for("a.tar.gz"), "application/gzip");
  EXPECT_EQ(content_type_for("data.parquet"), "application/vnd.apache.parquet");
}

TEST(ObjectMetadataTest, UnknownNamesAreOctetStreams) {
  for (const char* key :
       {"", "a", "dir.csv/file", "x.", "x.unheardof", "x.averylongextension"}) {
    EXPECT_EQ(content_type_for(key), "application/octet-stream") << key;
  }
}

}  // namespace
}  // namespace cloudsync::sync

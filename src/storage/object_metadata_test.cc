// SPDX-License-Identifier: Apache-2.0
#include "storage/object_metadata.h"

#include <gtest/gtest.h>

namespace cloudsync::storage {
namespace {

constexpr std::int64_t kTime = 1700000000123456789;

TEST(ObjectMetadataTest, MtimeIsDecimalSecondsAsRcloneWritesItOnS3) {
  const auto metadata = file_metadata(MtimeStyle::kDecimalSeconds, kTime, std::nullopt);
  EXPECT_EQ(metadata, (Metadata{{"mtime", "1700000000.123456789"}}));
}

TEST(ObjectMetadataTest, MtimeIsRfc3339AsRcloneWritesItOnAzure) {
  const auto metadata = file_metadata(MtimeStyle::kRfc3339, kTime, std::nullopt);
  EXPECT_EQ(metadata, (Metadata{{"mtime", "2023-11-14T22:13:20.123456789Z"}}));
}

TEST(ObjectMetadataTest, MtimeIsAlsoInGsutilsFormOnGoogle) {
  const auto metadata =
      file_metadata(MtimeStyle::kRfc3339AndSeconds, kTime, std::nullopt);
  EXPECT_EQ(metadata, (Metadata{{"mtime", "2023-11-14T22:13:20.123456789Z"},
                                {"goog-reserved-file-mtime", "1700000000"}}));
}

TEST(ObjectMetadataTest, TimesBefore1970KeepTheirSign) {
  const auto s3 =
      file_metadata(MtimeStyle::kDecimalSeconds, -1'500'000'000, std::nullopt);
  EXPECT_EQ(s3.at("mtime"), "-1.5");
  const auto google =
      file_metadata(MtimeStyle::kRfc3339AndSeconds, -1'500'000'000, std::nullopt);
  EXPECT_EQ(google.at("mtime"), "1969-12-31T23:59:58.5Z");
  EXPECT_EQ(google.at("goog-reserved-file-mtime"), "-2");
}

TEST(ObjectMetadataTest, Md5IsBase64) {
  EXPECT_EQ(file_metadata(MtimeStyle::kRfc3339, 0, Md5Digest{}).at("md5chksum"),
            "AAAAAAAAAAAAAAAAAAAAAA==");
}

TEST(ObjectMetadataTest, SymlinkTargetsOfAnyBytesComeBack) {
  const std::string target = "dir/n\xC3\xA4me %41\n";
  const auto metadata = symlink_metadata(MtimeStyle::kRfc3339, 0, target);
  for (const char c : metadata.at("cs_symlink")) EXPECT_TRUE(c > 0x20 && c < 0x7F);
  EXPECT_EQ(symlink_target(metadata), target);
  EXPECT_EQ(symlink_target({}), std::nullopt);
}

TEST(ObjectMetadataTest, OnlySixteenBytesInBase64AreAnMd5) {
  Md5Digest ones;
  ones.fill(1);
  EXPECT_EQ(metadata_md5({{"md5chksum", "AQEBAQEBAQEBAQEBAQEBAQ=="}}), ones);
  EXPECT_EQ(metadata_md5({{"md5chksum", "AQEB"}}), std::nullopt);
  EXPECT_EQ(metadata_md5({{"md5chksum", "not base64"}}), std::nullopt);
  EXPECT_EQ(metadata_md5({{"md5chksum", ""}}), std::nullopt);
  EXPECT_EQ(metadata_md5({}), std::nullopt);
}

}  // namespace
}  // namespace cloudsync::storage

// SPDX-License-Identifier: Apache-2.0
#include "storage/content_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cloudsync::storage {
namespace {

using ::testing::HasSubstr;

constexpr Md5Digest kRight{1};
constexpr Md5Digest kWrong{2};
constexpr char kRightHex[] = "01000000000000000000000000000000";
constexpr char kWrongHex[] = "02000000000000000000000000000000";

const ReceivedChecksums kReceived{kRight, 0x11U, 0x22U};

TEST(ContentCheckTest, NothingSaidIsNothingWrong) {
  const auto judgement = judge_content({}, kReceived, false);
  EXPECT_EQ(judgement.fault + judgement.warning, "");
}

TEST(ContentCheckTest, TheServicesOwnHashBindsWhateverIsIgnored) {
  ObjectInfo info;
  info.md5 = kWrong;
  info.stored_md5 = kRight;
  const auto judgement = judge_content(info, kReceived, true);
  EXPECT_THAT(judgement.fault, HasSubstr(kRightHex));
  EXPECT_THAT(judgement.fault, HasSubstr(kWrongHex));
}

TEST(ContentCheckTest, EveryChecksumOfTheServiceIsLookedAt) {
  ObjectInfo info;
  info.md5 = kRight;
  info.crc32c = 0x12U;
  EXPECT_THAT(judge_content(info, kReceived, false).fault,
              HasSubstr("CRC32C 00000011 instead of 00000012"));
  info.crc32c = 0x11U;
  info.crc64nvme = 0x23U;
  EXPECT_THAT(judge_content(info, kReceived, false).fault,
              HasSubstr("CRC64NVME 0000000000000022 instead of 0000000000000023"));
}

TEST(ContentCheckTest, AStoredHashIsAWarningWhereTheServiceVouches) {
  ObjectInfo info;
  info.stored_md5 = kWrong;
  info.crc64nvme = 0x22U;
  const auto judgement = judge_content(info, kReceived, false);
  EXPECT_EQ(judgement.fault, "");
  EXPECT_THAT(judgement.warning, HasSubstr(kWrongHex));
}

TEST(ContentCheckTest, AStoredHashAloneFailsAndNamesTheFlag) {
  ObjectInfo info;
  info.metadata = Metadata{{"md5chksum", "AgAAAAAAAAAAAAAAAAAAAA=="}};
  const auto judgement = judge_content(info, kReceived, false);
  EXPECT_THAT(judgement.fault, HasSubstr(kRightHex));
  EXPECT_THAT(judgement.fault, HasSubstr(kWrongHex));
  EXPECT_THAT(judgement.fault, HasSubstr("--ignore-stored-md5"));
  const auto ignored = judge_content(info, kReceived, true);
  EXPECT_EQ(ignored.fault, "");
  EXPECT_THAT(ignored.warning, HasSubstr(kWrongHex));
}

TEST(ContentCheckTest, AChecksumThatWasNotComputedVouchesForNothing) {
  ObjectInfo info;
  info.stored_md5 = kWrong;
  info.crc32c = 0x99U;
  EXPECT_NE(judge_content(info, {kRight, {}, {}}, false).fault, "");
}

}  // namespace
}  // namespace cloudsync::storage

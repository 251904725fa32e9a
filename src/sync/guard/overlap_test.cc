// SPDX-License-Identifier: Apache-2.0
#include "sync/guard/overlap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cloudsync/error.h"

namespace cloudsync::sync {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

PairIdentity pair(const std::string& root, const std::string& prefix,
                  const std::string& container = "bucket") {
  return {root, "s3", container, prefix};
}

constexpr auto kSync = Direction::kSync;
constexpr auto kUpload = Direction::kUpload;
constexpr auto kDownload = Direction::kDownload;

TEST(Overlap, UnrelatedAndMirroredPairsAreFree) {
  const std::vector<KnownPair> known = {{pair("/data", "data/"), kSync},
                                        {pair("/data", "", "other"), kSync},
                                        {pair("/database", "data/x/"), kSync}};
  for (const auto direction : {kSync, kUpload, kDownload}) {
    const auto overlap = judge_overlap(pair("/data/raw", "data/raw/"), direction, known);
    EXPECT_THAT(overlap.foreign, IsEmpty());
    EXPECT_THAT(overlap.warnings, IsEmpty());
  }
}

TEST(Overlap, ADownloadIntoAnotherPairsFolderIgnoresItsOwnTarget) {
  const auto overlap = judge_overlap(pair("/data/local", "data/"), kDownload,
                                     {{pair("/data", "data/"), kSync}});
  EXPECT_THAT(overlap.foreign, ElementsAre("local/"));
  ASSERT_THAT(overlap.warnings, SizeIs(1));
  EXPECT_THAT(overlap.warnings[0], HasSubstr("'/data' with prefix 'data/'"));
  EXPECT_TRUE(overlap.hides("local/x"));
  EXPECT_FALSE(overlap.hides("local"));
  EXPECT_FALSE(overlap.hides("locally/x"));
}

TEST(Overlap, TheEnclosingPairDoesNotKnowTheInnerTarget) {
  for (const auto direction : {kSync, kUpload, kDownload}) {
    const auto overlap = judge_overlap(pair("/data", "data/"), direction,
                                       {{pair("/data/local", "data/"), kDownload}});
    EXPECT_THAT(overlap.foreign, ElementsAre("local/"));
    EXPECT_THAT(overlap.warnings, IsEmpty());
  }
}

TEST(Overlap, ADownloadOfTheWholeBucketIgnoresWhereItsTargetWouldLie) {
  const auto overlap = judge_overlap(pair("/data/local", ""), kDownload,
                                     {{pair("/data", "data/"), kSync}});
  EXPECT_THAT(overlap.foreign, ElementsAre("data/local/"));
}

TEST(Overlap, AnUploadOutOfAnInnerFolderHasItsTargetInTheBucket) {
  const auto out = judge_overlap(pair("/data/raw", "data/copy/"), kUpload,
                                 {{pair("/data", "data/"), kSync}});
  EXPECT_THAT(out.foreign, IsEmpty());
  EXPECT_THAT(out.warnings, SizeIs(1));
  const auto enclosing = judge_overlap(pair("/data", "data/"), kSync,
                                       {{pair("/data/raw", "data/copy/"), kUpload}});
  EXPECT_THAT(enclosing.foreign, ElementsAre("copy/"));
}

TEST(Overlap, AnUploadIgnoresFilesThatAreItsOwnOutput) {
  const auto overlap = judge_overlap(pair("/data/raw", "data/raw/copy/"), kUpload,
                                     {{pair("/data", "data/"), kSync}});
  EXPECT_THAT(overlap.foreign, ElementsAre("copy/"));
}

TEST(Overlap, TwoWayRunsThatWouldSeeTheirOwnOutputAreRefused) {
  EXPECT_THROW(judge_overlap(pair("/data/local", "data/"), kSync,
                             {{pair("/data", "data/"), kSync}}),
               Error);
  EXPECT_THROW(judge_overlap(pair("/data", "data/"), kSync,
                             {{pair("/data/local", "data/"), kSync}}),
               Error);
  EXPECT_THROW(
      judge_overlap(pair("/data", ""), kSync, {{pair("/data", "data/"), kUpload}}),
      Error);
  EXPECT_THROW(judge_overlap(pair("/data", "data/"), kDownload,
                             {{pair("/data/local", "data/"), kSync}}),
               Error);
}

}  // namespace
}  // namespace cloudsync::sync

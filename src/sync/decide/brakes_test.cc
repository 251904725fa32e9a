// SPDX-License-Identifier: Apache-2.0
#include "sync/decide/brakes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cloudsync::sync {
namespace {

using testing::HasSubstr;

DeletionCount deletions(std::uint64_t planned, std::uint64_t base_rows,
                        std::uint64_t renames = 0) {
  return {.planned = planned, .renames = renames, .base_rows = base_rows};
}
MaxDelete percent(double value) {
  return {.is_percent = true, .value = value, .is_default = false};
}
MaxDelete number(double value) {
  return {.is_percent = false, .value = value, .is_default = false};
}

bool stops(const DeletionCount& count, const MaxDelete& limit = {}) {
  return max_delete_brake(Side::kRemote, count, limit, {}).has_value();
}

TEST(MaxDeleteBrake, DefaultNeedsMoreThanTenAndMoreThanHalf) {
  EXPECT_FALSE(stops(deletions(10, 10)));
  EXPECT_TRUE(stops(deletions(11, 11)));
  EXPECT_FALSE(stops(deletions(50, 100)));
  EXPECT_TRUE(stops(deletions(51, 100)));
  EXPECT_FALSE(stops(deletions(0, 0)));
}

TEST(MaxDeleteBrake, ExplicitShareReplacesBothLimits) {
  EXPECT_TRUE(stops(deletions(2, 10), percent(10)));
  EXPECT_FALSE(stops(deletions(1, 10), percent(10)));
  EXPECT_FALSE(stops(deletions(60, 100), percent(60)));
  EXPECT_TRUE(stops(deletions(1, 100), percent(0)));
  EXPECT_FALSE(stops(deletions(100, 100), percent(100)));
}

TEST(MaxDeleteBrake, ExplicitNumberReplacesBothLimits) {
  EXPECT_FALSE(stops(deletions(5, 5), number(5)));
  EXPECT_TRUE(stops(deletions(6, 1'000'000), number(5)));
  EXPECT_TRUE(stops(deletions(1, 100), number(0)));
}

TEST(MaxDeleteBrake, RenamesDoNotCount) {
  EXPECT_FALSE(stops(deletions(100, 100, 95)));
  EXPECT_TRUE(stops(deletions(100, 100, 40)));
  EXPECT_FALSE(stops(deletions(5, 100, 50)));
}

TEST(MaxDeleteBrake, MirrorDeletionsWithoutAnyBaseCount) {
  EXPECT_TRUE(stops(deletions(11, 0)));
  EXPECT_FALSE(stops(deletions(10, 0)));
}

TEST(MaxDeleteBrake, OnlyItsOwnForceLiftsIt) {
  const DeletionCount count = deletions(80, 100);
  EXPECT_FALSE(max_delete_brake(Side::kLocal, count, {}, {Force::kMaxDelete}));
  EXPECT_TRUE(max_delete_brake(Side::kLocal, count, {},
                               {Force::kEmptied, Force::kRoot, Force::kRestoredCloud}));
}

TEST(MaxDeleteBrake, MessageTellsWhatWasCountedAndHowToGoOn) {
  const auto brake = max_delete_brake(Side::kRemote, deletions(605, 1000, 5), {}, {});
  ASSERT_TRUE(brake);
  EXPECT_EQ(brake->name, "max-delete");
  EXPECT_THAT(brake->message, HasSubstr("600 of 1000 known files (60.0 %)"));
  EXPECT_THAT(brake->message, HasSubstr("in the bucket"));
  EXPECT_THAT(brake->message, HasSubstr("5 more belong to renamed files"));
  EXPECT_THAT(brake->message, HasSubstr("50 % and more than 10 files"));
  EXPECT_THAT(brake->message, HasSubstr("Nothing was deleted"));
  EXPECT_THAT(brake->message, HasSubstr("`--force max-delete` or `--max-delete 60%`"));
}

TEST(MaxDeleteBrake, SuggestedLimitLetsTheSamePlanPass) {
  for (const std::uint64_t planned : {11U, 51U, 333U, 999U, 1000U}) {
    for (const MaxDelete& limit : {MaxDelete{}, percent(0.5), number(3)}) {
      const DeletionCount count = deletions(planned, 1000);
      const auto brake = max_delete_brake(Side::kLocal, count, limit, {});
      if (!brake) continue;
      const std::string flag = "--max-delete ";
      const auto at = brake->message.rfind(flag) + flag.size();
      const std::string value =
          brake->message.substr(at, brake->message.find('`', at) - at);
      const bool share = value.ends_with('%');
      EXPECT_EQ(share, limit.is_percent);
      EXPECT_FALSE(
          stops(count, share ? percent(std::stod(value)) : number(std::stod(value))));
    }
  }
}

TEST(MaxDeleteBrake, WhatWasNeverSyncedCountsAboveAndBelowTheLine) {
  DeletionCount count = deletions(24, 10);
  count.never_synced = 14;
  const auto brake = max_delete_brake(Side::kRemote, count, {}, {});
  ASSERT_TRUE(brake);
  EXPECT_THAT(brake->message, HasSubstr("24 of 24 files (100.0 %)"));
  count = deletions(14, 100);
  count.never_synced = 14;
  EXPECT_FALSE(stops(count));
}

TEST(EmptiedBrake, StopsWhereDeletionsFollowFromAnEmptySource) {
  EXPECT_FALSE(emptied_brake(Side::kLocal, 0, deletions(0, 100), {}));
  EXPECT_FALSE(emptied_brake(Side::kLocal, 1, deletions(100, 100), {}));
  EXPECT_FALSE(emptied_brake(Side::kLocal, 0, deletions(100, 100), {Force::kEmptied}));
  const auto brake =
      emptied_brake(Side::kLocal, 0, deletions(100, 100), {Force::kMaxDelete});
  ASSERT_TRUE(brake);
  EXPECT_EQ(brake->name, "emptied");
  EXPECT_THAT(brake->message, HasSubstr("found in the local directory"));
  EXPECT_THAT(brake->message, HasSubstr("100 would be deleted in the bucket"));
  EXPECT_THAT(brake->message, HasSubstr("Nothing was deleted"));
  EXPECT_THAT(brake->message, HasSubstr("`--force emptied`"));
}

TEST(EmptiedBrake, NeedsNoBaseRow) {
  DeletionCount count = deletions(1, 0);
  count.never_synced = 1;
  EXPECT_TRUE(emptied_brake(Side::kRemote, 0, count, {}));
}

PairRecord known_pair(std::int64_t epoch = 5) {
  PairRecord pair;
  pair.root_dev = 1;
  pair.root_ino = 2;
  pair.epoch = epoch;
  pair.has_marker = true;
  return pair;
}
MarkerView marker(std::int64_t epoch) {
  return {.present = true, .uuid_matches = true, .epoch = epoch};
}
MarkerVerdict judge(const MarkerView& view, const PairRecord& pair,
                    bool has_base = true) {
  return judge_marker(view, pair, has_base, 1, 2);
}

TEST(Marker, EqualOrOneBehindIsNormal) {
  EXPECT_EQ(judge(marker(5), known_pair()), MarkerVerdict::kNormal);
  EXPECT_EQ(judge(marker(4), known_pair()), MarkerVerdict::kNormal);
}

TEST(Marker, AheadOfTheDatabaseDemotesTheBase) {
  EXPECT_EQ(judge(marker(6), known_pair()), MarkerVerdict::kDemoteBase);
}

TEST(Marker, FurtherBehindMeansARestoredTree) {
  EXPECT_EQ(judge(marker(3), known_pair()), MarkerVerdict::kBrakeRestored);
}

TEST(Marker, MissingOrForeignMarkerMeansAnotherRoot) {
  EXPECT_EQ(judge({}, known_pair()), MarkerVerdict::kBrakeRoot);
  EXPECT_EQ(judge({.present = true, .uuid_matches = false, .epoch = 5}, known_pair()),
            MarkerVerdict::kBrakeRoot);
}

TEST(Marker, WithoutBaseRowsAnyMarkerIsAdopted) {
  EXPECT_EQ(judge(marker(99), known_pair(), false), MarkerVerdict::kAdopt);
  EXPECT_EQ(judge({.present = true}, known_pair(), false), MarkerVerdict::kAdopt);
  EXPECT_EQ(judge({}, known_pair(), false), MarkerVerdict::kNormal);
}

TEST(Marker, WhereNoneWasWrittenTheInodeDecides) {
  PairRecord pair = known_pair();
  pair.has_marker = false;
  EXPECT_EQ(judge({}, pair), MarkerVerdict::kNormal);
  EXPECT_EQ(judge_marker({}, pair, true, 1, 3), MarkerVerdict::kBrakeRoot);
  EXPECT_EQ(judge_marker({}, pair, true, 9, 2), MarkerVerdict::kBrakeRoot);
  pair.root_dev = pair.root_ino = 0;
  EXPECT_EQ(judge_marker({}, pair, true, 1, 3), MarkerVerdict::kNormal);
}

}  // namespace
}  // namespace cloudsync::sync

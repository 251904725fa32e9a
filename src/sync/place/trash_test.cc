// SPDX-License-Identifier: Apache-2.0
#include "sync/place/trash.h"

#include "sync/place/place_test_fixture.h"

namespace cloudsync::sync {
namespace {

using TrashTest = PlaceTest;

TEST_F(TrashTest, ConflictCopyIsTheReplacedFileItself) {
  tree_.write("a", "mine");
  const auto seen = stat("a");
  const auto result = fork("a", "theirs", "a.copy");
  ASSERT_EQ(result.status, PlaceStatus::kPlaced);
  EXPECT_EQ(tree_.read("a"), "theirs");
  EXPECT_EQ(tree_.read("a.copy"), "mine");
  EXPECT_EQ(stat("a.copy").ino, seen.ino);
  EXPECT_EQ(stat("a.copy").nlink, 1U);
  EXPECT_EQ(count_files(kTrashDirectory), 0U);
  files_.can_exchange = false;
  ASSERT_EQ(fork("a", "third", "a.copy2").status, PlaceStatus::kPlaced);
  EXPECT_EQ(tree_.read("a"), "third");
  EXPECT_EQ(tree_.read("a.copy2"), "theirs");
}

// The exchange does not come about, or the run ends before it.
TEST_F(TrashTest, ConflictNameNeverHoldsTheNewContent) {
  tree_.write("a", "mine");
  interfere("exchange", "a", [&] {
    EXPECT_FALSE(std::filesystem::exists(tree_ / "a.copy"));
    throw Error(ErrorCode::kLocalIo, "cannot exchange");
  });
  EXPECT_THROW(fork("a", "theirs", "a.copy"), Error);
  EXPECT_FALSE(std::filesystem::exists(tree_ / "a.copy"));
  EXPECT_EQ(tree_.read("a"), "mine");
}

TEST_F(TrashTest, WhatWasWrittenToTheConflictNameIsKept) {
  tree_.write("a", "mine");
  interfere("exchange", "a", [&] { tree_.write("a.copy", "user's"); });
  const auto result = fork("a", "theirs", "a.copy");
  EXPECT_EQ(result.status, PlaceStatus::kPlaced);
  EXPECT_EQ(tree_.read("a"), "theirs");
  EXPECT_EQ(tree_.read("a.copy"), "user's");
  ASSERT_TRUE(result.rescued_key);
  EXPECT_EQ(tree_.read(*result.rescued_key), "mine");
}

TEST_F(TrashTest, ConflictCopyThatIsThereAlreadyIsTaken) {
  tree_.write("a", "mine");
  tree_.write("equal", "mine");
  tree_.write("taken", "else");
  EXPECT_EQ(fork("a", "theirs", "taken").status, PlaceStatus::kTargetChanged);
  EXPECT_EQ(tree_.read("taken"), "else");
  EXPECT_EQ(tree_.read("a"), "mine");
  const auto result = fork("a", "theirs", "equal");
  ASSERT_EQ(result.status, PlaceStatus::kPlaced);
  EXPECT_EQ(tree_.read("a"), "theirs");
  EXPECT_EQ(tree_.read("equal"), "mine");
  EXPECT_EQ(result.trash_ref, kRunTrash + "/a");
}

// Other names of the file stay live: neither the trash nor a conflict copy follows what
// is written there.
TEST_F(TrashTest, NothingKeptSharesAnInodeWithALiveFile) {
  for (const char* name : {"a", "b", "c"}) {
    tree_.write(name, std::string(3 << 20, 'x'));
    std::filesystem::create_hard_link(tree_ / name, tree_ / (name + std::string("2")));
  }
  const auto replaced = place("a", "new", stat("a"));
  const auto removed = placer_.remove("b", stat("b"));
  ASSERT_EQ(fork("c", "theirs", "c.copy").status, PlaceStatus::kPlaced);
  for (const char* name : {"a2", "b2", "c2"}) {
    tree_.write(name, "live");
    EXPECT_EQ(stat(name).nlink, 1U);
  }
  for (const auto& path :
       {replaced.trash_ref, removed.trash_ref, std::string("c.copy")}) {
    EXPECT_EQ(tree_.read(path), std::string(3 << 20, 'x')) << path;
    EXPECT_EQ(stat(path).nlink, 1U) << path;
  }
}

// As an interrupted run of the version before leaves it: the copy is a link.
TEST_F(TrashTest, CopyThatIsALinkOfTheFileIsTaken) {
  tree_.write("a", "mine");
  std::filesystem::create_hard_link(tree_ / "a", tree_ / "a.copy");
  ASSERT_EQ(fork("a", "theirs", "a.copy").status, PlaceStatus::kPlaced);
  EXPECT_EQ(tree_.read("a.copy"), "mine");
  EXPECT_EQ(stat("a.copy").nlink, 1U);
}

TEST_F(TrashTest, PurgeRemovesOldRunsAndStrayTempFilesOnly) {
  tree_.write("a", "1");
  placer_.remove("a", stat("a"));
  tree_.write("d/b", "2");
  Placer older(files_, kOlderRun, true, clock_);
  older.remove("d/b", stat("d/b"));
  tree_.write(".cloudsync/trash/mine/c", "3");
  const std::string stray = temp("stray");
  const std::string live = temp("live");
  PurgeOptions options;
  options.retention_seconds = 30 * 86400;
  options.live_temp_names = {std::filesystem::path(live).filename()};
  EXPECT_EQ(placer_.purge(options).files, 1U);
  EXPECT_FALSE(std::filesystem::exists(tree_ / stray));
  EXPECT_EQ(tree_.read(live), "live");
  options.retention_seconds = -1;
  EXPECT_EQ(placer_.purge(options).files, 1U);
  EXPECT_FALSE(
      std::filesystem::exists(tree_ / (std::string(kTrashDirectory) + "/" + kOlderRun)));
  EXPECT_EQ(tree_.read(kRunTrash + "/a"), "1");
  EXPECT_EQ(tree_.read(".cloudsync/trash/mine/c"), "3");
}

TEST_F(TrashTest, AClockThatIsWrongPurgesNothing) {
  Placer older(files_, kOlderRun, true, clock_);
  tree_.write("a", "1");
  older.remove("a", stat("a"));
  clock_.shift_ns = 40LL * 86400 * 1'000'000'000;
  placer_.prepare();
  PurgeOptions options;
  options.retention_seconds = 30 * 86400;
  const Purged purged = placer_.purge(options);
  EXPECT_EQ(purged.files, 0U);
  EXPECT_NE(purged.notice.find("five minutes apart"), std::string::npos);
  clock_.shift_ns = 0;
  placer_.prepare();
  options.retention_seconds = -1;
  options.clock_is_wrong = true;
  EXPECT_EQ(placer_.purge(options).files, 0U);
  options.clock_is_wrong = false;
  EXPECT_EQ(placer_.purge(options).files, 1U);
}

TEST_F(TrashTest, LimitEvictsReplacedFilesOfEarlierRunsOldestFirst) {
  const std::string block(1000, 'x');
  std::vector<std::string> replaced;
  for (const char* run : {"20260101T000000Z-aaaaaa", "20260101T000001Z-aaaaaa"}) {
    Placer earlier(files_, run, true, clock_);
    tree_.write("a", block);
    replaced.push_back(
        earlier.place({.key = "a", .temp_path = temp("new"), .expected = stat("a")})
            .trash_ref);
    tree_.write("gone", block);
    earlier.remove("gone", stat("gone"));
  }
  tree_.write("b", block);
  const auto own = place("b", "new", stat("b"));
  PurgeOptions options;
  options.retention_seconds = 30 * 86400;
  options.limit = {.is_percent = false, .percent = 0, .bytes = 2000, .is_default = false};
  EXPECT_EQ(placer_.purge(options).files, 1U);
  EXPECT_FALSE(std::filesystem::exists(tree_ / replaced[0]));
  EXPECT_EQ(tree_.read(replaced[1]), block);
  options.limit.bytes = 0;
  EXPECT_EQ(placer_.purge(options).files, 1U);
  EXPECT_EQ(tree_.read(own.trash_ref), block);
  EXPECT_EQ(count_files(kTrashDirectory), 3U);  // two deleted ones and this run's
}

TEST_F(TrashTest, WhatAnotherPairKeepsIsNeitherAgedNorEvicted) {
  const std::string run = "20260202T000000Z-cccccc-111111";
  std::vector<std::string> kept;
  for (const char* other :
       {"20260101T000000Z-aaaaaa-222222", "20260101T000001Z-bbbbbb-111111"}) {
    Placer earlier(files_, other, true, clock_);
    tree_.write("a", "old");
    kept.push_back(
        earlier.place({.key = "a", .temp_path = temp("new"), .expected = stat("a")})
            .trash_ref);
  }
  Placer placer(files_, run, true, clock_);
  placer.place({.key = "a", .temp_path = temp("newer"), .expected = stat("a")});
  PurgeOptions options;
  options.retention_seconds = 30 * 86400;
  options.limit = {.is_percent = false, .percent = 0, .bytes = 0, .is_default = false};
  EXPECT_EQ(placer.purge(options).files, 1U);
  EXPECT_EQ(tree_.read(kept[0]), "old");
  EXPECT_FALSE(std::filesystem::exists(tree_ / kept[1]));
  options.retention_seconds = -1;
  EXPECT_EQ(placer.purge(options).files, 0U);
  EXPECT_EQ(tree_.read(kept[0]), "old");
}

TEST_F(TrashTest, PurgeOfAFreshRootDoesNothing) {
  base::TestDirectory empty;
  const auto files = base::open_posix_file_system(empty.path());
  Placer placer(*files, kRun, true, clock_);
  EXPECT_EQ(placer.purge({}).files, 0U);
}

TEST(TrashNameTest, OnlyOursAreRecognised) {
  const std::string run = "20260203T040506Z-1a2b3c-ffffff";
  for (const char* name :
       {"20260102T030405Z-0a1b2c", "20260102T030405Z-0a1b2c~2",
        "20260102T030405Z-0a1b2c~replaced~3", "20260102T030405Z-0a1b2c-ffffff",
        "20260102T030405Z-0a1b2c-ffffff~replaced"}) {
    EXPECT_TRUE(is_trash_of_replica(name, run)) << name;
  }
  for (const char* name :
       {"", "mine", "20260102T030405Z", "20260102T030405Z-0a1b2c.bak",
        "20260102T030405Z-0a1b2", "20260102t030405Z-0a1b2c", "~replaced",
        "20260102T030405Z-0a1b2c-fffff", "20260102T030405Z-0a1b2c-ffffff-0",
        "2026010xT030405Z-0a1b2c", "20260102T030405Z-0a1b2c-eeeeee",
        "20260102T030405Z-0a1b2c-eeeeee~replaced"}) {
    EXPECT_FALSE(is_trash_of_replica(name, run)) << name;
  }
  EXPECT_TRUE(holds_replaced("20260102T030405Z-0a1b2c~replaced"));
  EXPECT_TRUE(holds_replaced("20260102T030405Z-0a1b2c-ffffff~replaced~2"));
  EXPECT_FALSE(holds_replaced("20260102T030405Z-0a1b2c~2"));
  EXPECT_FALSE(holds_replaced("20260102T030405Z-0a1b2c"));
}

}  // namespace
}  // namespace cloudsync::sync

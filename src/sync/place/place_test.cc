// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <sys/xattr.h>

#include "cloudsync/error.h"
#include "hash/digest.h"
#include "sync/decide/conflict_name.h"
#include "sync/place/place_test_fixture.h"

namespace cloudsync::sync {
namespace {

TEST_F(PlaceTest, PrepareHidesItsDirectoryFromVersionControl) {
  placer_.prepare();
  EXPECT_EQ(tree_.read(".cloudsync/.gitignore"), "*\n");
  EXPECT_EQ(stat(kTrashDirectory).mode, 0700U);
}

TEST_F(PlaceTest, NewNameGetsItsParentsAndOrdinaryRights) {
  const auto result = place("a/b/c.txt", "new");
  ASSERT_EQ(result.status, PlaceStatus::kPlaced);
  EXPECT_EQ(tree_.read("a/b/c.txt"), "new");
  EXPECT_EQ(result.created_directories, (std::vector<std::string>{"a/", "a/b/"}));
  EXPECT_TRUE(result.placed.same_version(stat("a/b/c.txt")));
  const mode_t mask = umask(0);
  umask(mask);
  EXPECT_EQ(result.placed.mode, 0666U & ~mask);
  EXPECT_EQ(place("a/d", "x").created_directories, std::vector<std::string>());
}

TEST_F(PlaceTest, NameThatAppearedIsNotTouched) {
  interfere("rename_new", "a", [&] { tree_.write("a", "user"); });
  EXPECT_EQ(place("a", "new").status, PlaceStatus::kTargetChanged);
  EXPECT_EQ(tree_.read("a"), "user");
  EXPECT_EQ(count_files(kTempDirectory), 1U);
}

TEST_F(PlaceTest, DirectoryInTheWayIsATypeConflict) {
  tree_.write("a/b", "x");
  EXPECT_EQ(place("a", "new").status, PlaceStatus::kTypeConflict);
  EXPECT_EQ(place("a", "new", stat("a/b")).status, PlaceStatus::kTypeConflict);
  EXPECT_EQ(placer_.remove("a", stat("a/b")).status, PlaceStatus::kTypeConflict);
  EXPECT_EQ(tree_.read("a/b"), "x");
}

TEST_F(PlaceTest, FileWithAParentsNameIsATypeConflict) {
  tree_.write("a", "file");
  EXPECT_EQ(place("a/b/c", "new").status, PlaceStatus::kTypeConflict);
  EXPECT_EQ(place("a/b", "new", stat("a")).status, PlaceStatus::kTypeConflict);
  EXPECT_EQ(tree_.read("a"), "file");
}

TEST_F(PlaceTest, SymlinkedParentIsNeverFollowed) {
  std::filesystem::create_directory(tree_ / "real");
  std::filesystem::create_symlink("real", tree_ / "link");
  EXPECT_EQ(place("link/a", "new").status, PlaceStatus::kTypeConflict);
  EXPECT_TRUE(std::filesystem::is_empty(tree_ / "real"));
}

TEST_F(PlaceTest, ReplacedContentStaysInTheTrash) {
  tree_.write("a", "old");
  const auto result = place("a", "new", stat("a"));
  ASSERT_EQ(result.status, PlaceStatus::kPlaced);
  EXPECT_EQ(tree_.read("a"), "new");
  EXPECT_EQ(result.trash_ref, kReplacedTrash + "/a");
  EXPECT_EQ(tree_.read(result.trash_ref), "old");
  EXPECT_EQ(count_files(kTempDirectory), 0U);
}

// A program that had the file open goes on writing to it.
TEST_F(PlaceTest, WriterOfTheReplacedFileWritesToTheTrash) {
  tree_.write("a", "old");
  const auto writer = files_.open_write("a");
  const auto result = place("a", "new", stat("a"));
  constexpr std::string_view kLate = "late";
  writer->write_at(0, std::as_bytes(std::span(kLate)));
  EXPECT_EQ(tree_.read(result.trash_ref), "late");
}

TEST_F(PlaceTest, LoserStaysInTheTrash) {
  tree_.write("d/a", "old");
  const auto result = place("d/a", "new", stat("d/a"), true);
  EXPECT_EQ(result.trash_ref, kRunTrash + "/d/a");
  EXPECT_EQ(tree_.read(result.trash_ref), "old");
}

TEST_F(PlaceTest, TrashNamesNeverCollide) {
  tree_.write("a", "1");
  place("a", "2", stat("a"), true);
  const auto second = place("a", "3", stat("a"), true);
  EXPECT_EQ(tree_.read(second.trash_ref), "2");
  EXPECT_EQ(tree_.read(kRunTrash + "/a"), "1");
  std::filesystem::remove(tree_ / "a");
  tree_.write("a/b", "4");
  const auto below = placer_.remove("a/b", stat("a/b"));
  EXPECT_EQ(tree_.read(below.trash_ref), "4");
}

TEST_F(PlaceTest, WithoutTrashNothingIsKeptAfterTheRun) {
  Placer placer(files_, "run-2", false, clock_);
  tree_.write("a", "old");
  placer.place({.key = "a",
                .temp_path = temp("new"),
                .expected = stat("a"),
                .keep_replaced = true});
  placer.remove("a", stat("a"));
  EXPECT_EQ(count_files(kTrashDirectory), 2U);
  EXPECT_TRUE(placer.drop_held({}).empty());
  EXPECT_EQ(count_files(kTrashDirectory), 0U);
  EXPECT_FALSE(std::filesystem::exists(tree_ / ".cloudsync/trash/run-2"));
}

// The base's content is what may go; anything else is somebody's.
TEST_F(PlaceTest, WithoutTrashAnEditWithItsMtimeRestoredIsKept) {
  Placer placer(files_, "run-2", false, clock_);
  tree_.write("a", "old");
  tree_.write("b", "old");
  const Md5Digest md5 = hash::Md5::of(std::as_bytes(std::span("old", 3)));
  const auto replaced = placer.place(
      {.key = "a", .temp_path = temp("new"), .expected = stat("a"), .expected_md5 = md5});
  placer.remove("b", stat("b"), md5);
  const std::vector<std::string> kept{".cloudsync/trash/run-2~replaced/a",
                                      ".cloudsync/trash/run-2/b"};
  for (const auto& path : kept) {
    const auto time = std::filesystem::last_write_time(tree_ / path);
    tree_.write(path, "xyz");
    std::filesystem::last_write_time(tree_ / path, time);
  }
  EXPECT_EQ(placer.drop_held({}), kept);
  for (const auto& path : kept) EXPECT_EQ(tree_.read(path), "xyz");
}

TEST_F(PlaceTest, ChangedTargetIsLeftAlone) {
  tree_.write("a", "old");
  const auto seen = stat("a");
  tree_.write("a", "edited");
  EXPECT_EQ(place("a", "new", seen).status, PlaceStatus::kTargetChanged);
  EXPECT_EQ(placer_.remove("a", seen).status, PlaceStatus::kTargetChanged);
  EXPECT_EQ(tree_.read("a"), "edited");
}

// Size and mtime are those that were seen: only the ctime tells.
TEST_F(PlaceTest, EditThatRestoresTheMtimeIsNoticed) {
  tree_.write("a", "old");
  const auto seen = stat("a");
  const auto time = std::filesystem::last_write_time(tree_ / "a");
  tree_.write("a", "xyz");
  std::filesystem::last_write_time(tree_ / "a", time);
  ASSERT_EQ(stat("a").mtime_ns, seen.mtime_ns);
  EXPECT_EQ(place("a", "new", seen).status, PlaceStatus::kTargetChanged);
  EXPECT_EQ(tree_.read("a"), "xyz");
}

TEST_F(PlaceTest, EditBeforeTheLastCheckKeepsTheTempFile) {
  tree_.write("a", "old");
  interfere("rename_away", kReplacedTrash + "/a", [&] { tree_.write("a", "edited"); });
  EXPECT_EQ(place("a", "new", stat("a")).status, PlaceStatus::kTargetChanged);
  EXPECT_EQ(tree_.read("a"), "edited");
  EXPECT_EQ(count_files(kTempDirectory), 1U);
  EXPECT_EQ(count_files(kTrashDirectory), 0U);
}

TEST_F(PlaceTest, EditInTheInstantOfTheExchangeIsRescued) {
  tree_.write("d/a.txt", "old");
  interfere("exchange", "d/a.txt", [&] { tree_.write("d/a.txt", "user's edit"); });
  const auto result = place("d/a.txt", "new", stat("d/a.txt"));
  ASSERT_EQ(result.status, PlaceStatus::kPlaced);
  EXPECT_EQ(tree_.read("d/a.txt"), "new");
  ASSERT_TRUE(result.rescued_key);
  EXPECT_TRUE(is_conflict_name(*result.rescued_key));
  EXPECT_TRUE(result.rescued_key->starts_with("d/a."));
  EXPECT_EQ(tree_.read(*result.rescued_key), "user's edit");
}

TEST_F(PlaceTest, RenameOverInTheInstantOfTheExchangeIsRescued) {
  tree_.write("a", "old");
  interfere("exchange", "a", [&] {
    tree_.write("other", "user's file");
    std::filesystem::rename(tree_ / "other", tree_ / "a");
  });
  const auto result = place("a", "new", stat("a"));
  EXPECT_EQ(tree_.read("a"), "new");
  ASSERT_TRUE(result.rescued_key);
  EXPECT_EQ(tree_.read(*result.rescued_key), "user's file");
}

TEST_F(PlaceTest, TargetRemovedInTheInstantOfTheExchangeIsAChange) {
  tree_.write("a", "old");
  interfere("exchange", "a", [&] { std::filesystem::remove(tree_ / "a"); });
  EXPECT_EQ(place("a", "new", stat("a")).status, PlaceStatus::kTargetChanged);
  EXPECT_FALSE(std::filesystem::exists(tree_ / "a"));
  EXPECT_EQ(count_files(kTempDirectory), 1U);
}

// A write to the placed file before its stat is taken must not pass for the placed
// content.
TEST_F(PlaceTest, EditRightAfterPlacingDiffersFromTheReportedStat) {
  bool placed = false;
  files_.before = [&](const std::string& operation, const std::string& path) {
    if (operation == "rename_new" && path == "a") placed = true;
    if (operation == "stat" && path == "a" && placed) {
      placed = false;
      tree_.write("a", "user's edit");
    }
  };
  const auto result = place("a", "new");
  EXPECT_FALSE(result.placed.same_version(stat("a")));
}

TEST_F(PlaceTest, AttributesOfTheReplacedFileAreKept) {
  tree_.write("a", "old");
  std::filesystem::permissions(tree_ / "a", std::filesystem::perms(0751));
  const bool has_xattrs = setxattr((tree_ / "a").c_str(), "user.note", "x", 1, 0) == 0;
  ASSERT_EQ(place("a", "new", stat("a")).status, PlaceStatus::kPlaced);
  EXPECT_EQ(stat("a").mode, 0751U);
  char value = 0;
  if (has_xattrs) {
    EXPECT_EQ(getxattr((tree_ / "a").c_str(), "user.note", &value, 1), 1);
  }
}

TEST_F(PlaceTest, SymlinkWhereAFileWasIsAChange) {
  tree_.write("a", "old");
  const auto seen = stat("a");
  tree_.write("victim", "victim");
  std::filesystem::remove(tree_ / "a");
  std::filesystem::create_symlink("victim", tree_ / "a");
  EXPECT_EQ(place("a", "new", seen).status, PlaceStatus::kTargetChanged);
  EXPECT_EQ(placer_.remove("a", seen).status, PlaceStatus::kTargetChanged);
  EXPECT_EQ(tree_.read("victim"), "victim");
}

TEST_F(PlaceTest, SymlinkCanBePlacedAndReplaced) {
  const std::string path = std::string(kTempDirectory) + "/link";
  files_.make_symlink("one", path);
  ASSERT_EQ(placer_.place({.key = "l", .temp_path = path, .expected = {}}).status,
            PlaceStatus::kPlaced);
  files_.make_symlink("two", path);
  ASSERT_EQ(placer_.place({.key = "l", .temp_path = path, .expected = stat("l")}).status,
            PlaceStatus::kPlaced);
  EXPECT_EQ(files_.read_link("l"), "two");
}

TEST_F(PlaceTest, FileThatReplacesASymlinkHasOrdinaryRights) {
  std::filesystem::create_symlink("nowhere", tree_ / "a");
  const auto result = place("a", "new", stat("a"));
  ASSERT_EQ(result.status, PlaceStatus::kPlaced);
  EXPECT_NE(result.placed.mode, 0600U);
  EXPECT_EQ(result.placed.kind, base::FileKind::kRegular);
}

TEST_F(PlaceTest, WithoutExchangeTheOldContentLeavesFirst) {
  files_.can_exchange = false;
  tree_.write("a", "old");
  const auto result = place("a", "new", stat("a"), true);
  ASSERT_EQ(result.status, PlaceStatus::kPlaced);
  EXPECT_EQ(tree_.read("a"), "new");
  EXPECT_EQ(tree_.read(result.trash_ref), "old");
  EXPECT_EQ(count_files(kTempDirectory), 0U);
}

// Whatever another program puts under the name in the instant before the old file leaves.
TEST_F(PlaceTest, WithoutExchangeAForeignFileIsPutBack) {
  files_.can_exchange = false;
  tree_.write("a", "old");
  interfere("rename_away", kReplacedTrash + "~2/a", [&] {
    tree_.write("other", "user's file");
    std::filesystem::rename(tree_ / "other", tree_ / "a");
  });
  std::filesystem::create_directories(tree_ / (kReplacedTrash + "~2"));
  const auto result = place("a", "new", stat("a"));
  EXPECT_EQ(result.status, PlaceStatus::kTargetChanged);
  EXPECT_EQ(tree_.read("a"), "user's file");
  EXPECT_EQ(count_files(kTempDirectory), 1U);
}

TEST_F(PlaceTest, WithoutExchangeAFileThatAppearsInTheGapIsLeftAlone) {
  files_.can_exchange = false;
  tree_.write("a", "old");
  interfere("rename_new", "a", [&] { tree_.write("a", "user's file"); });
  EXPECT_EQ(place("a", "new", stat("a")).status, PlaceStatus::kTargetChanged);
  EXPECT_EQ(tree_.read("a"), "user's file");
  EXPECT_EQ(tree_.read(kReplacedTrash + "~2/a"), "old");
  EXPECT_EQ(count_files(kTempDirectory), 1U);
}

TEST_F(PlaceTest, RemovedFileIsInTheTrash) {
  tree_.write("d/a", "old");
  const auto result = placer_.remove("d/a", stat("d/a"));
  ASSERT_EQ(result.status, PlaceStatus::kPlaced);
  EXPECT_FALSE(std::filesystem::exists(tree_ / "d/a"));
  EXPECT_EQ(tree_.read(result.trash_ref), "old");
}

TEST_F(PlaceTest, FileReplacedInTheInstantOfRemovalIsPutBack) {
  std::filesystem::create_directories(tree_ / kRunTrash);
  tree_.write("a", "old");
  interfere("rename_away", kRunTrash + "/a", [&] {
    tree_.write("other", "user's file");
    std::filesystem::rename(tree_ / "other", tree_ / "a");
  });
  EXPECT_EQ(placer_.remove("a", stat("a")).status, PlaceStatus::kTargetChanged);
  EXPECT_EQ(tree_.read("a"), "user's file");
}

TEST_F(PlaceTest, FileThatCannotBePutBackIsRescued) {
  tree_.write("a", "old");
  const auto seen = stat("a");
  int stage = 0;
  files_.before = [&](const std::string& operation, const std::string& path) {
    if (operation == "rename_away" && path == kRunTrash + "/a" && stage == 0) {
      stage = 1;
      tree_.write("a", "second");
    }
    if (operation == "rename_new" && path == "a" && stage == 1) {
      stage = 2;
      tree_.write("a", "third");
    }
  };
  // The first try only finds that the trash has no directory for this run yet.
  std::filesystem::create_directories(tree_ / kRunTrash);
  const auto result = placer_.remove("a", seen);
  EXPECT_EQ(result.status, PlaceStatus::kTargetChanged);
  EXPECT_EQ(tree_.read("a"), "third");
  ASSERT_TRUE(result.rescued_key);
  EXPECT_EQ(tree_.read(*result.rescued_key), "second");
}

TEST_F(PlaceTest, RemovingWhatIsGoneIsAChange) {
  tree_.write("a", "old");
  const auto seen = stat("a");
  std::filesystem::remove(tree_ / "a");
  EXPECT_EQ(placer_.remove("a", seen).status, PlaceStatus::kTargetChanged);
}

}  // namespace
}  // namespace cloudsync::sync

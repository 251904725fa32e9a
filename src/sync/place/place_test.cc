// SPDX-License-Identifier: Apache-2.0
#include "sync/place/place.h"

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <sys/xattr.h>

#include <filesystem>

#include "base/test_directory.h"
#include "cloudsync/error.h"
#include "sync/decide/conflict_name.h"
#include "sync/testing/transfer_fixture.h"

namespace cloudsync::sync {
namespace {

class PlaceTest : public ::testing::Test {
 protected:
  PlaceTest() { placer_.prepare(); }

  std::string temp(const std::string& content) {
    const std::string path =
        std::string(kTempDirectory) + "/" + std::to_string(++temps_) + ".part";
    tree_.write(path, content);
    std::filesystem::permissions(tree_ / path, std::filesystem::perms(0600));
    return path;
  }

  PlaceResult place(const std::string& key, const std::string& content,
                    std::optional<base::FileStat> expected = std::nullopt,
                    bool keep = false) {
    return placer_.place({.key = key,
                          .temp_path = temp(content),
                          .expected = expected,
                          .keep_replaced = keep});
  }

  base::FileStat stat(const std::string& path) { return *disk_->stat(path); }

  // The other program acts right before the named operation on the path, once.
  void interfere(const std::string& operation, const std::string& path,
                 std::function<void()> action) {
    files_.before = [=, this, done = false](const std::string& name,
                                            const std::string& at) mutable {
      if (done || name != operation || at != path) return;
      done = true;
      action();
    };
  }

  std::size_t count_files(const std::string& directory) const {
    std::size_t count = 0;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(tree_ / directory)) {
      if (!entry.is_directory()) ++count;
    }
    return count;
  }

  base::TestDirectory tree_;
  std::unique_ptr<base::FileSystem> disk_ = base::open_posix_file_system(tree_.path());
  InterceptedFiles files_{*disk_};
  ShiftedClock clock_;
  Placer placer_{files_, "run-1", true, clock_};
  int temps_ = 0;
};

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

TEST_F(PlaceTest, ReplacedContentIsDroppedWhenItWasTheExpectedOne) {
  tree_.write("a", "old");
  const auto result = place("a", "new", stat("a"));
  ASSERT_EQ(result.status, PlaceStatus::kPlaced);
  EXPECT_EQ(tree_.read("a"), "new");
  EXPECT_EQ(result.trash_ref, "");
  EXPECT_EQ(count_files(kTrashDirectory), 0U);
  EXPECT_EQ(count_files(kTempDirectory), 0U);
}

TEST_F(PlaceTest, LoserStaysInTheTrash) {
  tree_.write("d/a", "old");
  const auto result = place("d/a", "new", stat("d/a"), true);
  EXPECT_EQ(result.trash_ref, ".cloudsync/trash/run-1/d/a");
  EXPECT_EQ(tree_.read(result.trash_ref), "old");
}

TEST_F(PlaceTest, TrashNamesNeverCollide) {
  tree_.write("a", "1");
  place("a", "2", stat("a"), true);
  const auto second = place("a", "3", stat("a"), true);
  EXPECT_EQ(tree_.read(second.trash_ref), "2");
  EXPECT_EQ(tree_.read(".cloudsync/trash/run-1/a"), "1");
  std::filesystem::remove(tree_ / "a");
  tree_.write("a/b", "4");
  const auto below = placer_.remove("a/b", stat("a/b"));
  EXPECT_EQ(tree_.read(below.trash_ref), "4");
}

TEST_F(PlaceTest, WithoutTrashNothingIsKept) {
  Placer placer(files_, "run-2", false, clock_);
  tree_.write("a", "old");
  EXPECT_EQ(placer
                .place({.key = "a",
                        .temp_path = temp("new"),
                        .expected = stat("a"),
                        .keep_replaced = true})
                .trash_ref,
            "");
  EXPECT_EQ(placer.remove("a", stat("a")).trash_ref, "");
  EXPECT_EQ(count_files(kTrashDirectory), 0U);
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
  interfere("rename_new", ".cloudsync/trash/run-1/a",
            [&] { tree_.write("a", "edited"); });
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

TEST_F(PlaceTest, WithoutExchangeALinkSecuresTheOldContent) {
  files_.can_exchange = false;
  tree_.write("a", "old");
  const auto result = place("a", "new", stat("a"), true);
  ASSERT_EQ(result.status, PlaceStatus::kPlaced);
  EXPECT_EQ(tree_.read("a"), "new");
  EXPECT_EQ(tree_.read(result.trash_ref), "old");
  EXPECT_EQ(count_files(kTempDirectory), 0U);
}

TEST_F(PlaceTest, WithoutExchangeAnEditBeforeTheLinkIsLeftAlone) {
  files_.can_exchange = false;
  tree_.write("a", "old");
  interfere("exchange", "a", [&] { tree_.write("a", "edited"); });
  EXPECT_EQ(place("a", "new", stat("a")).status, PlaceStatus::kTargetChanged);
  EXPECT_EQ(tree_.read("a"), "edited");
  EXPECT_EQ(count_files(kTempDirectory), 1U);
}

TEST_F(PlaceTest, WithoutExchangeAnEditBeforeTheRenameIsRescued) {
  files_.can_exchange = false;
  tree_.write("a", "old");
  interfere("rename_over", "a", [&] { tree_.write("a", "edited"); });
  const auto result = place("a", "new", stat("a"));
  EXPECT_EQ(tree_.read("a"), "new");
  ASSERT_TRUE(result.rescued_key);
  EXPECT_EQ(tree_.read(*result.rescued_key), "edited");
}

TEST_F(PlaceTest, WithoutExchangeAndLinksReplacingIsRefused) {
  files_.can_exchange = false;
  files_.can_link = false;
  tree_.write("a", "old");
  EXPECT_THROW(place("a", "new", stat("a")), Error);
  EXPECT_EQ(tree_.read("a"), "old");
}

TEST_F(PlaceTest, RemovedFileIsInTheTrash) {
  tree_.write("d/a", "old");
  const auto result = placer_.remove("d/a", stat("d/a"));
  ASSERT_EQ(result.status, PlaceStatus::kPlaced);
  EXPECT_FALSE(std::filesystem::exists(tree_ / "d/a"));
  EXPECT_EQ(tree_.read(result.trash_ref), "old");
}

TEST_F(PlaceTest, FileReplacedInTheInstantOfRemovalIsPutBack) {
  tree_.write("a", "old");
  placer_.remove("a", stat("a"));
  tree_.write("a", "old");
  interfere("rename_new", ".cloudsync/trash/run-1/a", [&] {
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
    if (operation == "rename_new" && path == ".cloudsync/trash/run-1/a" && stage == 0) {
      stage = 1;
      tree_.write("a", "second");
    }
    if (operation == "rename_new" && path == "a" && stage == 1) {
      stage = 2;
      tree_.write("a", "third");
    }
  };
  // The first try only finds that the trash has no directory for this run yet.
  std::filesystem::create_directories(tree_ / ".cloudsync/trash/run-1");
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

TEST_F(PlaceTest, CopyAsideThenReplaceKeepsBothContents) {
  tree_.write("a", "mine");
  const auto seen = stat("a");
  ASSERT_EQ(placer_.copy_aside("a", seen, "a.copy"), PlaceStatus::kPlaced);
  ASSERT_EQ(place("a", "theirs", seen).status, PlaceStatus::kPlaced);
  EXPECT_EQ(tree_.read("a"), "theirs");
  EXPECT_EQ(tree_.read("a.copy"), "mine");
}

TEST_F(PlaceTest, CopyAsideIsIdempotentAfterACrash) {
  tree_.write("a", "mine");
  ASSERT_EQ(placer_.copy_aside("a", stat("a"), "d/copy"), PlaceStatus::kPlaced);
  Placer next(files_, "run-2", true, clock_);
  EXPECT_EQ(next.copy_aside("a", stat("a"), "d/copy"), PlaceStatus::kPlaced);
  tree_.write("equal", "mine");
  EXPECT_EQ(next.copy_aside("a", stat("a"), "equal"), PlaceStatus::kPlaced);
  tree_.write("taken", "else");
  EXPECT_EQ(next.copy_aside("a", stat("a"), "taken"), PlaceStatus::kTypeConflict);
  EXPECT_EQ(tree_.read("taken"), "else");
}

TEST_F(PlaceTest, CopyAsideWithoutLinksCopies) {
  files_.can_link = false;
  tree_.write("a", std::string(3 << 20, 'x'));
  std::filesystem::permissions(tree_ / "a", std::filesystem::perms(0640));
  const auto seen = stat("a");
  ASSERT_EQ(placer_.copy_aside("a", seen, "copy"), PlaceStatus::kPlaced);
  EXPECT_EQ(tree_.read("copy"), tree_.read("a"));
  EXPECT_EQ(stat("copy").mtime_ns, seen.mtime_ns);
  EXPECT_EQ(stat("copy").mode, 0640U);
  EXPECT_EQ(place("a", "theirs", seen).status, PlaceStatus::kPlaced);
}

TEST_F(PlaceTest, CopyAsideOfAChangedFileIsRefused) {
  tree_.write("a", "mine");
  const auto seen = stat("a");
  interfere("link", "copy", [&] { tree_.write("a", "newer"); });
  EXPECT_EQ(placer_.copy_aside("a", seen, "copy"), PlaceStatus::kTargetChanged);
  EXPECT_EQ(tree_.read("a"), "newer");
  EXPECT_FALSE(std::filesystem::exists(tree_ / "copy"));
}

TEST_F(PlaceTest, PurgeRemovesOldRunsAndStrayTempFilesOnly) {
  tree_.write("a", "1");
  placer_.remove("a", stat("a"));
  tree_.write("d/b", "2");
  Placer other(files_, "run-0", true, clock_);
  other.remove("d/b", stat("d/b"));
  const std::string stray = temp("stray");
  const std::string live = temp("live");
  const std::set<std::string> live_names{std::filesystem::path(live).filename()};
  EXPECT_EQ(placer_.purge(30 * 86400, live_names), 0U);
  clock_.shift_ns = 2LL * 86400 * 1'000'000'000;
  EXPECT_EQ(placer_.purge(30 * 86400, live_names), 1U);
  EXPECT_FALSE(std::filesystem::exists(tree_ / stray));
  EXPECT_EQ(tree_.read(live), "live");
  clock_.shift_ns = 31LL * 86400 * 1'000'000'000;
  EXPECT_EQ(placer_.purge(30 * 86400, live_names), 1U);
  EXPECT_FALSE(std::filesystem::exists(tree_ / ".cloudsync/trash/run-0"));
  EXPECT_EQ(tree_.read(".cloudsync/trash/run-1/a"), "1");
}

TEST_F(PlaceTest, PurgeOfAFreshRootDoesNothing) {
  base::TestDirectory empty;
  const auto files = base::open_posix_file_system(empty.path());
  Placer placer(*files, "run", true, clock_);
  EXPECT_EQ(placer.purge(0, {}), 0U);
}

}  // namespace
}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
#include "base/posix_rename.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "base/posix_test_fixture.h"

namespace cloudsync::base {
namespace {

using PosixRenameTest = PosixTest;
CLOUDSYNC_INSTANTIATE_POSIX(PosixRenameTest);

TEST_P(PosixRenameTest, RenameNewNeverReplaces) {
  directory_.write("from", "new");
  directory_.write("to", "old");
  EXPECT_EQ(fs_->rename_new("from", "to"), RenameOutcome::kTargetExists);
  EXPECT_EQ(directory_.read("to"), "old");
  EXPECT_EQ(fs_->rename_new("from", "free"), RenameOutcome::kDone);
  EXPECT_EQ(directory_.read("free"), "new");
  EXPECT_EQ(fs_->stat("from"), std::nullopt);
}

TEST_P(PosixRenameTest, RenameNewTellsMissingSourceFromMissingParent) {
  directory_.write("from", "x");
  EXPECT_EQ(fs_->rename_new("absent", "to"), RenameOutcome::kSourceMissing);
  EXPECT_EQ(fs_->rename_new("absent/below", "to"), RenameOutcome::kSourceMissing);
  expect_error(ErrorCode::kLocalIo, "No such file",
               [&] { fs_->rename_new("from", "no/to"); });
}

TEST_P(PosixRenameTest, RenameNewMovesDirectories) {
  directory_.write("dir/file", "x");
  EXPECT_EQ(fs_->rename_new("dir", "moved"), RenameOutcome::kDone);
  EXPECT_EQ(directory_.read("moved/file"), "x");
}

TEST_P(PosixRenameTest, RenameNewDoesNotReplaceADanglingLink) {
  directory_.write("from", "x");
  link_to("nowhere", "to");
  EXPECT_EQ(fs_->rename_new("from", "to"), RenameOutcome::kTargetExists);
}

TEST_P(PosixRenameTest, ExchangeSwapsBothNames) {
  directory_.write("a", "1");
  directory_.write("b/c", "2");
  EXPECT_EQ(fs_->exchange("a", "b/c"), RenameOutcome::kDone);
  EXPECT_EQ(directory_.read("a"), "2");
  EXPECT_EQ(directory_.read("b/c"), "1");
  EXPECT_EQ(fs_->exchange("a", "absent"), RenameOutcome::kSourceMissing);
  EXPECT_EQ(fs_->exchange("absent", "a"), RenameOutcome::kSourceMissing);
  EXPECT_EQ(directory_.read("a"), "2");
}

TEST_P(PosixRenameTest, RenameOverReplaces) {
  directory_.write("a", "1");
  directory_.write("b", "2");
  fs_->rename_over("a", "b");
  EXPECT_EQ(directory_.read("b"), "1");
  EXPECT_THROW(fs_->rename_over("absent", "b"), Error);
}

TEST_P(PosixRenameTest, LinkAddsAName) {
  directory_.write("a", "1");
  EXPECT_EQ(fs_->link("a", "b"), RenameOutcome::kDone);
  EXPECT_EQ(fs_->stat("a")->ino, fs_->stat("b")->ino);
  EXPECT_EQ(fs_->link("a", "b"), RenameOutcome::kTargetExists);
  EXPECT_EQ(fs_->link("absent", "c"), RenameOutcome::kSourceMissing);
  fs_->make_directories("dir");
  EXPECT_EQ(fs_->link("dir", "dir2"), RenameOutcome::kUnsupported);
}

TEST_P(PosixRenameTest, MessageNamesBothPaths) {
  directory_.write("a/x", "1");
  expect_error(
      ErrorCode::kLocalIo,
      "cannot rename '" + directory_.path() + "/a' to '" + directory_.path() + "/b'",
      [&] {
        directory_.write("b", "");
        fs_->rename_over("a", "b");
      });
}

class RenameByLinkTest : public testing::Test {
 protected:
  TestDirectory directory_;
  PosixRoot root_{UniqueFd(open(directory_.path().c_str(), O_RDONLY | O_DIRECTORY)),
                  directory_.path(), Resolver::kDetect};
};

TEST_F(RenameByLinkTest, BehavesLikeRenameNewForFiles) {
  directory_.write("from", "new");
  directory_.write("to", "old");
  EXPECT_EQ(rename_new_by_link(root_, "from", "to"), RenameOutcome::kTargetExists);
  EXPECT_EQ(directory_.read("to"), "old");
  EXPECT_EQ(rename_new_by_link(root_, "absent", "x"), RenameOutcome::kSourceMissing);
  EXPECT_EQ(rename_new_by_link(root_, "from", "free"), RenameOutcome::kDone);
  EXPECT_EQ(directory_.read("free"), "new");
  EXPECT_FALSE(std::filesystem::exists(directory_ / "from"));
}

TEST_F(RenameByLinkTest, DirectoriesAreUnsupported) {
  directory_.write("dir/file", "x");
  EXPECT_EQ(rename_new_by_link(root_, "dir", "moved"), RenameOutcome::kUnsupported);
  EXPECT_EQ(directory_.read("dir/file"), "x");
}

// Many writers want one name: exactly one gets it, and its content stays.
TEST_P(PosixRenameTest, OneOfManyRenamesWins) {
  for (int round = 0; round < 50; ++round) {
    const std::string target = "target-" + std::to_string(round);
    std::atomic<int> winners = 0;
    std::string winner;
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      const std::string source = target + "-from-" + std::to_string(i);
      directory_.write(source, source);
      threads.emplace_back([&, source] {
        if (fs_->rename_new(source, target) != RenameOutcome::kDone) return;
        ++winners;
        winner = source;
      });
    }
    threads.clear();
    ASSERT_EQ(winners, 1);
    ASSERT_EQ(directory_.read(target), winner);
  }
}

// An editor replaces the target while it is exchanged: every content it wrote is still
// somewhere, and the target is there at every moment.
TEST_P(PosixRenameTest, ExchangeLosesNoConcurrentWrite) {
  directory_.write("target", "start");
  constexpr int kEdits = 300;
  std::jthread editor([&] {
    const auto other = GetParam()(directory_.path());
    for (int i = 0; i < kEdits; ++i) {
      const std::string name = "kept-" + std::to_string(i);
      directory_.write(name, "edit-" + std::to_string(i));
      if (other->exchange(name, "target") != RenameOutcome::kDone) ADD_FAILURE();
    }
  });
  for (int i = 0; i < kEdits; ++i) {
    const std::string name = "trash-" + std::to_string(i);
    directory_.write(name, "sync-" + std::to_string(i));
    ASSERT_EQ(fs_->exchange(name, "target"), RenameOutcome::kDone);
    ASSERT_TRUE(fs_->stat("target"));
  }
  editor.join();
  std::set<std::string> contents;
  for (const DirEntry& entry : fs_->open_directory("")->entries()) {
    contents.insert(directory_.read(entry.name));
  }
  EXPECT_EQ(contents.size(), 2U * kEdits + 1);
}

// An editor saves by renaming over the name: what has it at that instant is what moves.
TEST_F(RenameByLinkTest, RenameAwayNeverUnlinks) {
  directory_.write("a", "saved");
  directory_.write("taken", "x");
  for (const auto move : {rename_away_in, rename_away_plainly}) {
    EXPECT_EQ(move(root_, "a", "taken"), RenameOutcome::kTargetExists);
    EXPECT_EQ(move(root_, "a", "b"), RenameOutcome::kDone);
    EXPECT_EQ(directory_.read("b"), "saved");
    EXPECT_EQ(std::filesystem::exists(directory_ / "a"), false);
    EXPECT_EQ(move(root_, "a", "c"), RenameOutcome::kSourceMissing);
    EXPECT_EQ(move(root_, "no/a", "c"), RenameOutcome::kSourceMissing);
    EXPECT_EQ(move(root_, "b", "a"), RenameOutcome::kDone);
  }
  // A second name of the file is another name, not a copy that may go.
  ASSERT_EQ(link_in(root_, "a", "link"), RenameOutcome::kDone);
  EXPECT_EQ(rename_away_plainly(root_, "a", "b"), RenameOutcome::kDone);
  EXPECT_EQ(directory_.read("b"), "saved");
}

TEST_F(RenameByLinkTest, PlaceholderTakesTheNameOnlyWhereItIsFree) {
  directory_.write("from", "new");
  directory_.write("to", "old");
  EXPECT_EQ(rename_new_by_placeholder(root_, "from", "to"), RenameOutcome::kTargetExists);
  EXPECT_EQ(directory_.read("to"), "old");
  EXPECT_EQ(rename_new_by_placeholder(root_, "from", "free"), RenameOutcome::kDone);
  EXPECT_EQ(directory_.read("free"), "new");
  EXPECT_EQ(rename_new_by_placeholder(root_, "from", "other"),
            RenameOutcome::kSourceMissing);
  EXPECT_EQ(std::filesystem::exists(directory_ / "other"), false);
}

}  // namespace
}  // namespace cloudsync::base

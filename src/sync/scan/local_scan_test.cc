// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <set>

#include "sync/scan/fake_tree.h"
#include "sync/scan/key_rules.h"
#include "sync/scan/scan.h"

namespace cloudsync::sync {
namespace {

using base::FileKind;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

struct Scanned {
  std::vector<std::string> keys;
  std::map<std::string, LocalEntry> entries;
  std::vector<UnknownRange> unknown;
  std::vector<std::string> order;  // keys and beginnings of ranges
};

Scanned scan(base::FileSystem& files, const LocalScanOptions& options = {},
             std::size_t read_ahead = 0) {
  Scanned result;
  auto cursor = scan_local(files, options, {}, read_ahead);
  for (LocalItem item; cursor->next(item);) {
    if (auto* entry = std::get_if<LocalEntry>(&item)) {
      result.keys.push_back(entry->key);
      result.order.push_back(entry->key);
      result.entries[entry->key] = *entry;
    } else {
      result.unknown.push_back(std::get<UnknownRange>(item));
      result.order.push_back(result.unknown.back().first);
    }
  }
  EXPECT_TRUE(std::is_sorted(result.order.begin(), result.order.end()));
  EXPECT_EQ(result.entries.size(), result.keys.size());
  return result;
}

LocalProblem problem_of(const Scanned& scanned, const std::string& key) {
  return scanned.entries.at(key).problem;
}

TEST(LocalScanTest, KeysComeInByteOrderAcrossDirectories) {
  FakeTree tree;
  for (const std::string path : {"a/b", "a-b", "a.b", "a0", "A", "foo/1", "foo.txt",
                                 "foo-1", "foo/sub/x", "foo/sub-x"}) {
    tree.add(path);
  }
  EXPECT_THAT(scan(tree).keys, ElementsAre("A", "a-b", "a.b", "a/b", "a0", "foo-1",
                                           "foo.txt", "foo/1", "foo/sub-x", "foo/sub/x"));
}

TEST(LocalScanTest, RandomTreesComeInByteOrderCompleteAndOnce) {
  const auto piece =
      rc::gen::element<std::string>("a", "a-", "a.b", "a0", "A", "b", "\xc3\xa9", "a b");
  EXPECT_TRUE(rc::check([piece] {
    FakeTree tree;
    std::set<std::string> files;
    for (int i = *rc::gen::inRange(0, 30); i > 0; --i) {
      std::string path = *piece;
      for (int depth = *rc::gen::inRange(0, 4); depth > 0; --depth) path += '/' + *piece;
      const bool below_file =
          std::any_of(files.begin(), files.end(), [&](const auto& file) {
            return path.starts_with(file + '/') || file.starts_with(path + '/');
          });
      if (!below_file && files.insert(path).second) tree.add(path);
    }
    RC_ASSERT(scan(tree).keys == std::vector<std::string>(files.begin(), files.end()));
    const std::string first = *piece + "/a";
    const std::string last = first + '0';
    LocalScanOptions options;
    options.range = {first, last};
    RC_ASSERT(
        scan(tree, options, 7).keys ==
        std::vector<std::string>(files.lower_bound(first), files.lower_bound(last)));
  }));
}

TEST(LocalScanTest, EntriesCarryTheStatOfTheWalk) {
  FakeTree tree;
  tree.add("d/f").stat.mtime_ns = 42;
  const Scanned scanned = scan(tree);
  EXPECT_EQ(scanned.entries.at("d/f").stat.mtime_ns, 42);
  EXPECT_EQ(scanned.entries.at("d/f").kind, EntryKind::kFile);
  EXPECT_EQ(problem_of(scanned, "d/f"), LocalProblem::kNone);
}

TEST(LocalScanTest, OwnFilesAreNeverSeenNorOpened) {
  FakeTree tree;
  tree.add(".cloudsync/trash/x");
  tree.add("d/.cloudsync/y");
  tree.add("d/.cloudsync-store/z");
  tree.add("d/a.cloudsync-part");
  tree.add("d/a");
  EXPECT_THAT(scan(tree).keys, ElementsAre("d/a"));
  EXPECT_THAT(tree.opened, ElementsAre("", "d"));
}

TEST(LocalScanTest, UnreadableDirectoryIsAnUnknownRangeWithTheReason) {
  FakeTree tree;
  tree.add("a/x");
  tree.add("b/hidden");
  tree.add("b-1");
  tree.add("c/x");
  tree.node("b").refuses_open = true;
  const Scanned scanned = scan(tree);
  EXPECT_THAT(scanned.order, ElementsAre("a/x", "b-1", "b/", "c/x"));
  ASSERT_EQ(scanned.unknown.size(), 1U);
  EXPECT_EQ(scanned.unknown[0].last, "b0");
  EXPECT_EQ(scanned.unknown[0].problem, LocalProblem::kUnreadable);
  EXPECT_THAT(scanned.unknown[0].reason, HasSubstr("permission denied"));
}

TEST(LocalScanTest, UnreadableRootLeavesTheWholeRangeUnknown) {
  FakeTree tree;
  tree.add("a");
  tree.node("").refuses_open = true;
  LocalScanOptions options;
  EXPECT_EQ(scan(tree, options).unknown.at(0).first, "");
  EXPECT_EQ(scan(tree, options).unknown.at(0).last, "");
  options.range = {"b", "c"};
  EXPECT_EQ(scan(tree, options).unknown.at(0).first, "b");
  EXPECT_EQ(scan(tree, options).unknown.at(0).last, "c");
}

TEST(LocalScanTest, EntryWhoseStatFailsHasAProblemAndOneThatVanishedIsAbsent) {
  FakeTree tree;
  tree.add("a").refuses_stat = true;
  tree.add("b").vanished = true;
  tree.add("d/x");
  tree.node("d").vanished = true;
  tree.add("e");
  const Scanned scanned = scan(tree);
  EXPECT_THAT(scanned.keys, ElementsAre("a", "e"));
  EXPECT_EQ(problem_of(scanned, "a"), LocalProblem::kUnreadable);
  EXPECT_THAT(scanned.entries.at("a").detail, HasSubstr("permission denied"));
  EXPECT_THAT(scanned.unknown, IsEmpty());
}

TEST(LocalScanTest, FileThatBecameADirectoryIsUnknownWithItsSubtree) {
  FakeTree tree;
  tree.add("a").replaced_by = FileKind::kDirectory;
  tree.add("a-b");
  const Scanned scanned = scan(tree);
  EXPECT_THAT(scanned.keys, ElementsAre("a-b"));
  ASSERT_EQ(scanned.unknown.size(), 1U);
  EXPECT_EQ(scanned.unknown[0].first, "a");
  EXPECT_EQ(scanned.unknown[0].last, "a0");
}

TEST(LocalScanTest, NamesThatCannotBeKeysAreReportedAndTheirSubtreesUnknown) {
  FakeTree tree;
  tree.add("bad\xff");
  tree.add("back\\slash");
  tree.add("dir\n/x");
  tree.add("ok");
  const Scanned scanned = scan(tree);
  EXPECT_THAT(scanned.keys, ElementsAre("back\\slash", "bad\xff", "dir\n/", "ok"));
  EXPECT_EQ(problem_of(scanned, "bad\xff"), LocalProblem::kUnsafeName);
  EXPECT_EQ(problem_of(scanned, "dir\n/"), LocalProblem::kUnsafeName);
  EXPECT_EQ(scanned.entries.at("dir\n/").kind, EntryKind::kDirectory);
  ASSERT_EQ(scanned.unknown.size(), 1U);
  EXPECT_EQ(scanned.unknown[0].first, "dir\n/");
  EXPECT_EQ(scanned.unknown[0].last, "dir\n0");
  EXPECT_EQ(scanned.unknown[0].problem, LocalProblem::kUnsafeName);
  EXPECT_THAT(tree.opened, ElementsAre(""));
}

TEST(LocalScanTest, PathsThatAreTooLongForAKeyAreReported) {
  FakeTree tree;
  std::string deep = std::string(200, 'a');
  for (int i = 0; i < 4; ++i) deep += "/" + std::string(200, 'a');
  tree.add(deep + "/" + std::string(50, 'b'));
  const Scanned scanned = scan(tree);
  ASSERT_EQ(scanned.keys.size(), 1U);
  EXPECT_EQ(problem_of(scanned, scanned.keys[0]), LocalProblem::kUnsafeName);
  EXPECT_THAT(scanned.entries.begin()->second.detail, HasSubstr("1024"));
}

TEST(LocalScanTest, SpecialFilesAreReported) {
  FakeTree tree;
  tree.add("pipe", FileKind::kSpecial);
  EXPECT_EQ(problem_of(scan(tree), "pipe"), LocalProblem::kSpecial);
}

TEST(LocalScanTest, SkippedLinksAreReportedAndHideWhatLiesBelow) {
  FakeTree tree;
  tree.add_link("link", "elsewhere");
  tree.add("link.txt");
  const Scanned scanned = scan(tree);
  EXPECT_THAT(scanned.order, ElementsAre("link", "link.txt", "link/"));
  EXPECT_EQ(problem_of(scanned, "link"), LocalProblem::kSymlink);
  EXPECT_EQ(scanned.unknown.at(0).last, "link0");
  EXPECT_EQ(scanned.unknown.at(0).problem, LocalProblem::kSymlink);
}

TEST(LocalScanTest, FollowedLinksAreFilesInsideTheRootOnly) {
  FakeTree tree;
  const base::FileStat target = tree.add("target").stat;
  tree.add_link("good", "target").followed = target;
  tree.add_link("outside", "/etc/passwd");
  tree.add_link("pipe", "fifo").followed = base::FileStat{.kind = FileKind::kSpecial};
  tree.add("d/x");
  tree.add_link("d/loop", ".").followed = tree.node("d").stat;
  LocalScanOptions options;
  options.links = Links::kFollow;
  const Scanned scanned = scan(tree, options);
  EXPECT_THAT(scanned.keys,
              ElementsAre("d/loop", "d/x", "good", "outside", "pipe", "target"));
  EXPECT_EQ(problem_of(scanned, "good"), LocalProblem::kNone);
  EXPECT_EQ(scanned.entries.at("good").stat.ino, target.ino);
  EXPECT_EQ(scanned.entries.at("good").kind, EntryKind::kFile);
  EXPECT_EQ(problem_of(scanned, "outside"), LocalProblem::kSymlink);
  EXPECT_EQ(problem_of(scanned, "d/loop"), LocalProblem::kSymlink);
  EXPECT_EQ(problem_of(scanned, "pipe"), LocalProblem::kSpecial);
  EXPECT_THAT(tree.opened, ElementsAre("", "d"));
}

TEST(LocalScanTest, PreservedLinksCarryTheirTarget) {
  FakeTree tree;
  tree.add_link("d/link", "../x");
  LocalScanOptions options;
  options.links = Links::kPreserve;
  const Scanned scanned = scan(tree, options);
  EXPECT_EQ(scanned.entries.at("d/link").kind, EntryKind::kSymlink);
  EXPECT_EQ(scanned.entries.at("d/link").link_target, "../x");
  EXPECT_EQ(problem_of(scanned, "d/link"), LocalProblem::kNone);
  EXPECT_THAT(scanned.unknown, IsEmpty());
}

TEST(LocalScanTest, EmptyDirsEmitsEveryDirectoryAtItsPlace) {
  FakeTree tree;
  tree.add_directory("a/empty");
  tree.add("a-b");
  tree.add("a/x");
  EXPECT_THAT(scan(tree).keys, ElementsAre("a-b", "a/x"));
  LocalScanOptions options;
  options.empty_dirs = true;
  const Scanned scanned = scan(tree, options);
  EXPECT_THAT(scanned.keys, ElementsAre("a-b", "a/", "a/empty/", "a/x"));
  EXPECT_EQ(scanned.entries.at("a/empty/").kind, EntryKind::kDirectory);
}

TEST(LocalScanTest, ExcludedDirectoriesAreNotOpenedAndGiveNoWarning) {
  FakeTree tree;
  tree.add("big/x");
  tree.add("big/pipe", FileKind::kSpecial);
  tree.add("a.tmp").refuses_stat = true;
  tree.add("a.csv");
  tree.add_link("big-link", "x");
  tree.node("big").refuses_open = true;
  const Filter filter({"- big/", "- *.tmp", "- big-link", "- big-link/"});
  LocalScanOptions options;
  options.filter = &filter;
  options.empty_dirs = true;
  const Scanned scanned = scan(tree, options);
  EXPECT_THAT(scanned.order, ElementsAre("a.csv"));
  EXPECT_THAT(tree.opened, ElementsAre(""));
  EXPECT_THAT(tree.stated, Not(Contains("a.tmp")));
}

TEST(LocalScanTest, SubtreesOutsideTheRangeAreNotOpened) {
  FakeTree tree;
  for (const std::string path : {"a/x", "b/x", "b/y", "b/z", "c/x"}) tree.add(path);
  LocalScanOptions options;
  options.range = {"b/y", "c/"};
  EXPECT_THAT(scan(tree, options).keys, ElementsAre("b/y", "b/z"));
  EXPECT_THAT(tree.opened, ElementsAre("", "b"));
}

TEST(LocalScanTest, ReadAheadGivesTheSameItems) {
  FakeTree tree;
  for (int i = 0; i < 1000; ++i) {
    tree.add("d" + std::to_string(i % 20) + "/f" + std::to_string(i));
  }
  tree.node("d7").refuses_open = true;
  const Scanned plain = scan(tree);
  EXPECT_EQ(plain.order.size(), 951U);
  for (const std::size_t ahead : {1, 10, 300, 4096}) {
    EXPECT_EQ(scan(tree, {}, ahead).order, plain.order);
  }
}

TEST(LocalScanTest, CancellationEndsTheScan) {
  FakeTree tree;
  for (int i = 0; i < 2000; ++i) tree.add("d/f" + std::to_string(i));
  for (const std::size_t ahead : {0, 16}) {
    std::stop_source stop;
    auto cursor = scan_local(tree, {}, CallContext{stop.get_token(), {}}, ahead);
    LocalItem item;
    ASSERT_TRUE(cursor->next(item));
    stop.request_stop();
    try {
      while (cursor->next(item)) {
      }
      ADD_FAILURE() << "the scan went on";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCancelled);
    }
  }
}

TEST(LocalScanTest, AnAbandonedScanStopsReadingAhead) {
  FakeTree tree;
  for (int i = 0; i < 500; ++i) tree.add("d" + std::to_string(i) + "/f");
  {
    auto cursor = scan_local(tree, {}, {}, 16);
    LocalItem item;
    ASSERT_TRUE(cursor->next(item));
  }
  EXPECT_LT(tree.opened.size(), 100U);
}

class PosixScanTest : public testing::Test {
 protected:
  PosixScanTest() {
    const char* base = std::getenv("TMPDIR");
    std::string pattern = std::string(base ? base : "/tmp") + "/cloudsync-scan-XXXXXX";
    root_ = mkdtemp(pattern.data());
  }
  ~PosixScanTest() override { std::filesystem::remove_all(root_); }

  void write(const std::string& path) {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << path;
  }

  std::filesystem::path root_;
};

TEST_F(PosixScanTest, WalksARealTree) {
  for (const std::string path :
       {"a/b", "a-b", "a.b", "a0", "sub/deep/x", ".cloudsync/y"}) {
    write(path);
  }
  std::filesystem::create_symlink("a-b", root_ / "good");
  std::filesystem::create_symlink("/etc/passwd", root_ / "outside");
  std::filesystem::create_directory_symlink("..", root_ / "sub/loop");
  const auto files = base::open_posix_file_system(root_.string());
  LocalScanOptions options;
  options.links = Links::kFollow;
  const Scanned scanned = scan(*files, options, 64);
  EXPECT_THAT(scanned.keys, ElementsAre("a-b", "a.b", "a/b", "a0", "good", "outside",
                                        "sub/deep/x", "sub/loop"));
  EXPECT_EQ(problem_of(scanned, "good"), LocalProblem::kNone);
  EXPECT_EQ(scanned.entries.at("good").stat.size, 3U);
  EXPECT_EQ(problem_of(scanned, "outside"), LocalProblem::kSymlink);
  EXPECT_EQ(problem_of(scanned, "sub/loop"), LocalProblem::kSymlink);
  EXPECT_EQ(scanned.entries.at("sub/deep/x").stat.size, 10U);
}

}  // namespace
}  // namespace cloudsync::sync

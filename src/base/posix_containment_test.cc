// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "base/posix_test_fixture.h"

namespace cloudsync::base {
namespace {

// The root is inside `directory_`, so that there is something outside to be kept safe.
class PosixContainmentTest : public PosixTest {
 protected:
  PosixContainmentTest() {
    directory_.write("outside/secret", "secret");
    directory_.write("root/inside/file", "inside");
    fs_ = GetParam()(directory_ / "root");
  }

  std::vector<std::function<void()>> writes_below(const std::string& prefix) {
    return {[=, this] { fs_->create(prefix + "new", 0600); },
            [=, this] { fs_->open_write(prefix + "secret"); },
            [=, this] { fs_->open_read(prefix + "secret"); },
            [=, this] { fs_->make_symlink("x", prefix + "link"); },
            [=, this] { fs_->make_directories(prefix + "dir"); },
            [=, this] { fs_->rename_new("inside/file", prefix + "moved"); },
            [=, this] { fs_->rename_new(prefix + "secret", "taken"); },
            [=, this] { fs_->exchange("inside/file", prefix + "secret"); },
            [=, this] { fs_->rename_over("inside/file", prefix + "secret"); },
            [=, this] { fs_->link(prefix + "secret", "linked"); },
            [=, this] { fs_->remove_file(prefix + "secret"); },
            [=, this] { fs_->remove_directory(prefix + "dir"); },
            [=, this] { fs_->copy_attributes("inside/file", prefix + "secret"); },
            [=, this] { fs_->set_mode(prefix + "secret", 0777); },
            [=, this] { fs_->read_link(prefix + "secret"); },
            [=, this] { fs_->sync_directory(prefix + "dir"); },
            [=, this] { fs_->open_directory(prefix + "dir"); },
            [=, this] { fs_->stat(prefix + "secret"); }};
  }

  void expect_untouched() {
    EXPECT_EQ(directory_.read("outside/secret"), "secret");
    const auto outside = open_posix_file_system(directory_ / "outside");
    EXPECT_EQ(outside->open_directory("")->entries().size(), 1U);
    EXPECT_EQ(directory_.read("root/inside/file"), "inside");
    EXPECT_EQ(fs_->stat("taken"), std::nullopt);
    EXPECT_EQ(fs_->stat("linked"), std::nullopt);
  }
};
CLOUDSYNC_INSTANTIATE_POSIX(PosixContainmentTest);

TEST_P(PosixContainmentTest, SymlinkComponentIsNeverFollowed) {
  link_to("../outside", "root/relative");
  link_to(directory_ / "outside", "root/absolute");
  link_to("inside", "root/harmless");
  for (const char* link : {"relative/", "absolute/", "harmless/"}) {
    for (const auto& call : writes_below(link)) {
      expect_error(ErrorCode::kLocalIo, "a component of the path is a symlink", call);
    }
  }
  expect_untouched();
}

TEST_P(PosixContainmentTest, SymlinkInTheMiddleIsNeverFollowed) {
  directory_.write("outside-deep/x", "");
  link_to("../../outside", "root/inside/up");
  expect_error(ErrorCode::kLocalIo, "is a symlink",
               [&] { fs_->stat("inside/up/a/b/c"); });
  expect_error(ErrorCode::kLocalIo, "is a symlink",
               [&] { fs_->make_directories("inside/up/a/b"); });
  expect_untouched();
}

TEST_P(PosixContainmentTest, PathsThatAreNoPathsAreRefused) {
  const std::vector<std::string> prefixes = {
      "../outside/", "inside/../../outside/",    "/", "inside//", "./",
      "inside/./",   std::string("in\0side/", 8)};
  for (const std::string& prefix : prefixes) {
    for (const auto& call : writes_below(prefix)) {
      expect_error(ErrorCode::kInvalidArgument, "is no path below", call);
    }
  }
  expect_untouched();
}

TEST_P(PosixContainmentTest, TheRootItselfIsNoTarget) {
  expect_error(ErrorCode::kInvalidArgument, "the root itself",
               [&] { fs_->remove_directory(""); });
  expect_error(ErrorCode::kInvalidArgument, "the root itself",
               [&] { fs_->rename_new("", "inside/x"); });
}

TEST_P(PosixContainmentTest, FollowingStaysInsideTheRoot) {
  link_to("inside/file", "root/good");
  link_to("../good", "root/inside/chained");
  link_to("../outside/secret", "root/leaves");
  link_to(directory_ / "root/inside/file", "root/absolute");
  link_to("absent", "root/dangling");
  link_to("loop", "root/loop");
  const auto root = fs_->open_directory("");
  EXPECT_EQ(root->stat_following("good")->size, 6U);
  EXPECT_EQ(fs_->open_directory("inside")->stat_following("chained")->size, 6U);
  for (const char* name : {"leaves", "absolute", "dangling", "loop", "absent"}) {
    EXPECT_EQ(root->stat_following(name), std::nullopt) << name;
  }
  EXPECT_EQ(read_all(*fs_->open_read("good", true)), "inside");
  EXPECT_EQ(read_all(*fs_->open_read("inside/chained", true)), "inside");
  EXPECT_EQ(read_all(*fs_->open_read("inside/file", true)), "inside");
  for (const char* name : {"leaves", "absolute"}) {
    expect_error(ErrorCode::kLocalIo, "leaves '", [&] { fs_->open_read(name, true); });
  }
  EXPECT_THROW(fs_->open_read("loop", true), Error);
  EXPECT_THROW(fs_->open_read("dangling", true), Error);
}

TEST_P(PosixContainmentTest, FollowingThroughALinkedDirectoryWorks) {
  link_to("inside", "root/alias");
  EXPECT_EQ(read_all(*fs_->open_read("alias/file", true)), "inside");
}

// Somebody exchanges a directory for a link to the outside again and again; whatever the
// moment, no write may land there.
TEST_P(PosixContainmentTest, DirectoryThatTurnsIntoALinkDoesNotLeadOut) {
  directory_.write("root/swap/x", "");
  link_to("../outside", "root/link");
  const auto other = open_posix_file_system(directory_ / "root");
  std::atomic<bool> done = false;
  std::jthread attacker([&] {
    while (!done) other->exchange("swap", "link");
  });
  for (int i = 0; i < 2000; ++i) {
    try {
      fs_->create("swap/new-" + std::to_string(i), 0600);
      fs_->make_directories("swap/dir/" + std::to_string(i));
      fs_->remove_file("swap/secret");
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), ErrorCode::kLocalIo) << error.what();
    }
  }
  done = true;
  attacker.join();
  expect_untouched();
}

}  // namespace
}  // namespace cloudsync::base

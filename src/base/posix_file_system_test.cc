// SPDX-License-Identifier: Apache-2.0
#include "base/file_system.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>

#include "base/posix_test_fixture.h"

namespace cloudsync::base {
namespace {

using testing::HasSubstr;
using testing::UnorderedElementsAre;

using PosixFileSystemTest = PosixTest;
CLOUDSYNC_INSTANTIATE_POSIX(PosixFileSystemTest);

TEST_P(PosixFileSystemTest, StatTellsKindSizeAndTimes) {
  directory_.write("a/file", "12345");
  const auto status = fs_->stat("a/file");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->kind, FileKind::kRegular);
  EXPECT_EQ(status->size, 5U);
  struct stat expected{};
  ASSERT_EQ(::stat((directory_ / "a/file").c_str(), &expected), 0);
  EXPECT_EQ(status->ino, expected.st_ino);
  EXPECT_EQ(status->dev, expected.st_dev);
  EXPECT_EQ(status->mode, expected.st_mode & 07777);
  EXPECT_EQ(status->mtime_ns,
            expected.st_mtim.tv_sec * 1'000'000'000 + expected.st_mtim.tv_nsec);
  EXPECT_EQ(fs_->stat("a")->kind, FileKind::kDirectory);
  EXPECT_EQ(fs_->stat("")->kind, FileKind::kDirectory);
}

TEST_P(PosixFileSystemTest, AbsentNamesAreNothing) {
  directory_.write("file", "x");
  EXPECT_EQ(fs_->stat("absent"), std::nullopt);
  EXPECT_EQ(fs_->stat("absent/below"), std::nullopt);
  EXPECT_EQ(fs_->stat("file/below"), std::nullopt);
  EXPECT_EQ(fs_->stat("file/below/further"), std::nullopt);
}

TEST_P(PosixFileSystemTest, StatDoesNotFollowTheLastComponent) {
  link_to("target", "link");
  EXPECT_EQ(fs_->stat("link")->kind, FileKind::kSymlink);
}

TEST_P(PosixFileSystemTest, EntriesNameEverythingWithItsKind) {
  directory_.write("file", "x");
  directory_.write("dir/inner", "x");
  link_to("file", "link");
  ASSERT_EQ(mkfifo((directory_ / "fifo").c_str(), 0600), 0);
  directory_.write(".hidden", "");
  const auto directory = fs_->open_directory("");
  std::vector<std::pair<std::string, FileKind>> found;
  for (const DirEntry& entry : directory->entries())
    found.emplace_back(entry.name, entry.kind);
  EXPECT_THAT(found, UnorderedElementsAre(std::pair("file", FileKind::kRegular),
                                          std::pair("dir", FileKind::kDirectory),
                                          std::pair("link", FileKind::kSymlink),
                                          std::pair("fifo", FileKind::kSpecial),
                                          std::pair(".hidden", FileKind::kRegular)));
  EXPECT_EQ(directory->entries().size(), 5U) << "a second reading starts anew";
}

TEST_P(PosixFileSystemTest, ManyEntriesAreAllThere) {
  for (int i = 0; i < 3000; ++i) directory_.write("many/name-" + std::to_string(i), "");
  EXPECT_EQ(fs_->open_directory("many")->entries().size(), 3000U);
}

TEST_P(PosixFileSystemTest, DirectoryStatIsThatOfThePinnedDirectory) {
  directory_.write("dir/file", "123");
  const auto directory = fs_->open_directory("dir");
  EXPECT_EQ(directory->stat("file")->size, 3U);
  EXPECT_EQ(directory->stat("absent"), std::nullopt);
  ASSERT_EQ(rename((directory_ / "dir").c_str(), (directory_ / "moved").c_str()), 0);
  directory_.write("dir/file", "other");
  EXPECT_EQ(directory->stat("file")->size, 3U);
  expect_error(ErrorCode::kInvalidArgument, "no name", [&] { directory->stat("../x"); });
}

TEST_P(PosixFileSystemTest, AbsentDirectoryIsAnError) {
  expect_error(
      ErrorCode::kLocalIo,
      "cannot open the directory '" + directory_.path() + "/absent': No such file",
      [&] { fs_->open_directory("absent"); });
}

TEST_P(PosixFileSystemTest, WritesReadsAndTruncates) {
  const auto file = fs_->create("new", 0640);
  file->allocate(10);
  EXPECT_EQ(file->stat().size, 10U);
  file->write_at(3, as_bytes("hello"));
  file->allocate(8);
  EXPECT_EQ(read_all(*fs_->open_read("new")), std::string("\0\0\0hello", 8));
  EXPECT_EQ(fs_->stat("new")->mode & 0600, 0600U);
  std::array<std::byte, 4> buffer{};
  EXPECT_EQ(file->read_at(6, buffer), 2U);
  EXPECT_EQ(file->read_at(8, buffer), 0U);
  file->sync();
}

TEST_P(PosixFileSystemTest, SettingTheTimeWorksBefore1970) {
  const auto file = fs_->create("old", 0600);
  for (const std::int64_t time : {std::int64_t{-1}, std::int64_t{-1'500'000'000},
                                  std::int64_t{1'234'567'890'123'456'789}}) {
    file->set_mtime(time);
    EXPECT_EQ(fs_->stat("old")->mtime_ns, time);
  }
}

TEST_P(PosixFileSystemTest, CreateNeverTakesAnExistingName) {
  directory_.write("taken", "mine");
  link_to("elsewhere", "dangling");
  expect_error(ErrorCode::kAlreadyExists, "/taken': the name is taken",
               [&] { fs_->create("taken", 0600); });
  expect_error(ErrorCode::kAlreadyExists, "dangling",
               [&] { fs_->create("dangling", 0600); });
  expect_error(ErrorCode::kAlreadyExists, "taken",
               [&] { fs_->make_symlink("x", "taken"); });
  EXPECT_EQ(directory_.read("taken"), "mine");
}

TEST_P(PosixFileSystemTest, OpenWriteKeepsTheContent) {
  directory_.write("part", "12345");
  fs_->open_write("part")->write_at(0, as_bytes("ab"));
  EXPECT_EQ(directory_.read("part"), "ab345");
}

TEST_P(PosixFileSystemTest, OnlyRegularFilesAreOpened) {
  ASSERT_EQ(mkfifo((directory_ / "fifo").c_str(), 0600), 0);
  directory_.write("dir/x", "");
  link_to("dir/x", "link");
  expect_error(ErrorCode::kLocalIo, "not a regular file",
               [&] { fs_->open_read("fifo"); });
  expect_error(ErrorCode::kLocalIo, "not a regular file", [&] { fs_->open_read("dir"); });
  expect_error(ErrorCode::kLocalIo, "symlink", [&] { fs_->open_read("link"); });
  expect_error(ErrorCode::kLocalIo, "symlink", [&] { fs_->open_write("link"); });
}

TEST_P(PosixFileSystemTest, MessagesEscapeControlCharacters) {
  expect_error(ErrorCode::kLocalIo, "bad\\x1b[2J': No such file",
               [&] { fs_->open_read("bad\x1B[2J"); });
}

TEST_P(PosixFileSystemTest, SymlinksAreWrittenAndRead) {
  fs_->make_symlink("../some where", "link");
  EXPECT_EQ(fs_->read_link("link"), "../some where");
  expect_error(ErrorCode::kLocalIo, "read the symlink",
               [&] { fs_->read_link("absent"); });
}

TEST_P(PosixFileSystemTest, MakesMissingParents) {
  fs_->make_directories("a/b/c");
  fs_->make_directories("a/b/c");
  fs_->make_directories("");
  EXPECT_EQ(fs_->stat("a/b/c")->kind, FileKind::kDirectory);
  directory_.write("a/file", "");
  expect_error(ErrorCode::kLocalIo, "a/file': Not a directory",
               [&] { fs_->make_directories("a/file/below"); });
}

TEST_P(PosixFileSystemTest, RemovesFilesAndEmptyDirectories) {
  directory_.write("dir/file", "");
  EXPECT_FALSE(fs_->remove_directory("dir"));
  EXPECT_TRUE(fs_->remove_file("dir/file"));
  EXPECT_FALSE(fs_->remove_file("dir/file"));
  EXPECT_TRUE(fs_->remove_directory("dir"));
  EXPECT_FALSE(fs_->remove_directory("dir"));
  EXPECT_FALSE(fs_->remove_file("dir/file"));
}

TEST_P(PosixFileSystemTest, RemoveFileKeepsDirectories) {
  fs_->make_directories("dir");
  EXPECT_THROW(fs_->remove_file("dir"), Error);
  EXPECT_TRUE(fs_->stat("dir"));
}

TEST_P(PosixFileSystemTest, ModeAndExtendedAttributesAreCopied) {
  directory_.write("from", "x");
  directory_.write("to", "y");
  fs_->set_mode("from", 0751);
  const bool has_xattrs =
      setxattr((directory_ / "from").c_str(), "user.colour", "blue", 4, 0) == 0;
  fs_->copy_attributes("from", "to");
  EXPECT_EQ(fs_->stat("to")->mode, 0751U);
  if (!has_xattrs) GTEST_SKIP() << "this file system has no user xattrs";
  std::array<char, 8> value{};
  EXPECT_EQ(
      getxattr((directory_ / "to").c_str(), "user.colour", value.data(), value.size()),
      4);
  EXPECT_STREQ(value.data(), "blue");
}

TEST_P(PosixFileSystemTest, CopyingAttributesOfAVanishedFileDoesNothing) {
  directory_.write("to", "y");
  const auto before = fs_->stat("to");
  fs_->copy_attributes("absent", "to");
  EXPECT_EQ(fs_->stat("to")->mode, before->mode);
}

TEST_P(PosixFileSystemTest, SetModeDoesNotFollow) {
  directory_.write("target", "");
  fs_->set_mode("target", 0600);
  link_to("target", "link");
  fs_->set_mode("link", 0777);  // a link has no mode of its own
  EXPECT_EQ(fs_->stat("target")->mode, 0600U);
}

TEST_P(PosixFileSystemTest, RootThatWasReplacedIsNotCurrent) {
  const std::string path = directory_ / "root";
  ASSERT_EQ(mkdir(path.c_str(), 0755), 0);
  const auto fs = GetParam()(path);
  EXPECT_TRUE(fs->root_is_current());
  ASSERT_EQ(rename(path.c_str(), (path + "-moved").c_str()), 0);
  EXPECT_FALSE(fs->root_is_current());
  ASSERT_EQ(mkdir(path.c_str(), 0755), 0);
  EXPECT_FALSE(fs->root_is_current());
  EXPECT_EQ(fs->root_stat().kind, FileKind::kDirectory);
}

TEST_P(PosixFileSystemTest, OpeningARootTellsWhatIsWrong) {
  directory_.write("file", "");
  expect_error(ErrorCode::kNotFound, "does not exist",
               [&] { GetParam()(directory_ / "no"); });
  expect_error(ErrorCode::kInvalidArgument, "is not a directory",
               [&] { GetParam()(directory_ / "file"); });
  expect_error(ErrorCode::kInvalidArgument, "no path", [&] { GetParam()(""); });
}

TEST_P(PosixFileSystemTest, RootPathIsAbsoluteAndTidy) {
  EXPECT_EQ(GetParam()(directory_.path() + "//./")->root_path(), directory_.path());
  EXPECT_TRUE(GetParam()(".")->root_path().starts_with("/"));
  EXPECT_EQ(GetParam()("/")->root_path(), "/");
}

TEST_P(PosixFileSystemTest, DurabilityCallsWork) {
  directory_.write("dir/file", "");
  fs_->sync_directory("dir");
  fs_->sync_directory("");
  fs_->sync_all();
  EXPECT_GT(fs_->free_bytes(), 0U);
  EXPECT_THROW(fs_->sync_directory("absent"), Error);
}

TEST_P(PosixFileSystemTest, MissingRightsArePermissionDenied) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  directory_.write("secret", "x");
  fs_->set_mode("secret", 0);
  expect_error(ErrorCode::kPermissionDenied, "Permission denied",
               [&] { fs_->open_read("secret"); });
}

TEST_P(PosixFileSystemTest, NamesOfAnyBytesWork) {
  const std::string name = "\xFF\xFE name\twith\nall";
  fs_->create(name, 0600)->write_at(0, as_bytes("x"));
  EXPECT_EQ(fs_->stat(name)->size, 1U);
  EXPECT_EQ(fs_->open_directory("")->entries().at(0).name, name);
}

}  // namespace
}  // namespace cloudsync::base

// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <sys/stat.h>

#include "storage/object_metadata.h"
#include "sync/testing/transfer_fixture.h"

namespace cloudsync::sync {
namespace {

constexpr std::int64_t kOldTime = 1'600'000'000'123'456'789;

class UploadTest : public TransferFixture {};

TEST_F(UploadTest, StoresContentMetadataAndTheBaseRowThatBelongsToIt) {
  tree_.write("dir/a.csv", "hello");
  set_mtime("dir/a.csv", kOldTime);
  const auto result = upload(create_job("dir/a.csv"));
  ASSERT_EQ(result.status, TransferStatus::kDone);
  EXPECT_EQ(store_->content("data/dir/a.csv"), "hello");
  const auto info = store_->head({"data/dir/a.csv"}, context_);
  EXPECT_EQ(info->content_type, "text/csv");
  EXPECT_EQ(info->metadata->at("mtime"), "1600000000.123456789");
  EXPECT_EQ(info->metadata->at("md5chksum"), "XUFAKrxLKna5cZ2REBfFkg==");
  EXPECT_EQ(result.base.key, "dir/a.csv");
  EXPECT_EQ(result.base.size, 5U);
  EXPECT_EQ(result.base.md5, md5_of("hello"));
  EXPECT_EQ(result.base.r_token, info->token.value);
  EXPECT_EQ(result.base.l_mtime, kOldTime);
  EXPECT_EQ(result.base.l_ino, files_.stat("dir/a.csv")->ino);
  EXPECT_EQ(result.bytes, 5U);
  EXPECT_EQ(reported_, 5U);
  EXPECT_FALSE(result.transfer);
}

TEST_F(UploadTest, WhatTheOwnerGaveGoesAlongAndOwnValuesWin) {
  tree_.write("a.csv", "hello");
  tree_.write("large.csv", pattern(3 * kMiB));
  UploadJob job = create_job("a.csv");
  job.owner.content_type = "text/x-recipe";
  job.owner.served = {"no-store", "inline", "de"};
  job.owner.metadata = {{"author", "ada"}, {"mtime", "1"}};
  job.owner.tags = {{"team", "red"}};
  for (const char* key : {"a.csv", "large.csv"}) {
    job.key = key;
    const auto result = upload(job);
    ASSERT_EQ(result.status, TransferStatus::kDone);
    EXPECT_FALSE(result.base.flags & kBaseBare);
    const auto info = store_->head({std::string("data/") + key}, context_);
    EXPECT_EQ(info->content_type, "text/x-recipe");
    EXPECT_EQ(info->served, job.owner.served);
    EXPECT_EQ(info->metadata->at("author"), "ada");
    EXPECT_NE(info->metadata->at("mtime"), "1");
    EXPECT_EQ(store_->tags(info->key, context_), job.owner.tags);
  }
  tree_.write("bare", "hello");
  EXPECT_TRUE(upload(create_job("bare")).base.flags & kBaseBare);
}

TEST_F(UploadTest, EmptyFileIsAnOrdinaryObject) {
  tree_.write("empty", "");
  EXPECT_EQ(upload(create_job("empty")).status, TransferStatus::kDone);
  EXPECT_EQ(store_->content("data/empty"), "");
}

TEST_F(UploadTest, Sha256IsKeptWhenAsked) {
  tree_.write("a", "hello");
  auto made = environment();
  made.settings.content_hash = ContentHash::kSha256;
  const auto result = upload_file(made, create_job("a"), context_);
  const std::string text = "hello";
  EXPECT_EQ(result.base.sha256, hash::Sha256::of(std::as_bytes(std::span(text))));
}

TEST_F(UploadTest, FreshFileIsRacyAndOldOneIsNot) {
  tree_.write("a", "hello");
  EXPECT_TRUE(upload(create_job("a")).base.flags & kBaseRacy);
  tree_.write("b", "hello");
  clock_.shift_ns = 60'000'000'000;
  EXPECT_FALSE(upload(create_job("b")).base.flags & kBaseRacy);
}

TEST_F(UploadTest, TakenNameIsReportedAsChangedTarget) {
  tree_.write("a", "mine");
  store_->put_directly("data/a", "theirs");
  EXPECT_EQ(upload(create_job("a")).status, TransferStatus::kTargetChanged);
  EXPECT_EQ(store_->content("data/a"), "theirs");
}

TEST_F(UploadTest, ReplacesOnlyTheVersionItWasDecidedOn) {
  tree_.write("a", "mine");
  UploadJob job;
  job.key = "a";
  job.condition.if_match = store_->put_directly("data/a", "first");
  store_->put_directly("data/a", "second");
  EXPECT_EQ(upload(job).status, TransferStatus::kTargetChanged);
  store_->remove_directly("data/a");
  EXPECT_EQ(upload(job).status, TransferStatus::kTargetChanged);
  job.condition.if_match = store_->put_directly("data/a", "third");
  EXPECT_EQ(upload(job).status, TransferStatus::kDone);
}

TEST_F(UploadTest, MissingSourceIsGone) {
  EXPECT_EQ(upload(create_job("nowhere/a")).status, TransferStatus::kSourceGone);
}

TEST_F(UploadTest, DirectoryInPlaceOfTheFileIsAChangedSource) {
  tree_.write("a/b", "x");
  EXPECT_EQ(upload(create_job("a")).status, TransferStatus::kSourceChanged);
  EXPECT_EQ(store_->operations("put"), 0U);
}

TEST_F(UploadTest, FileThatChangesOnceWhileReadIsReadAgain) {
  tree_.write("log", "one");
  bool once = true;
  files_.after_read = [&](std::uint64_t) {
    if (std::exchange(once, false)) tree_.write("log", "one and two");
  };
  const auto result = upload(create_job("log"));
  ASSERT_EQ(result.status, TransferStatus::kDone);
  EXPECT_EQ(store_->content("data/log"), "one and two");
  EXPECT_EQ(result.base.md5, md5_of("one and two"));
}

TEST_F(UploadTest, FileThatNeverSettlesIsNotPublished) {
  tree_.write("log", "start");
  int writes = 0;
  files_.after_read = [&](std::uint64_t) {
    tree_.write("log", "start" + std::string(static_cast<std::size_t>(++writes), '+'));
  };
  EXPECT_EQ(upload(create_job("log")).status, TransferStatus::kSourceChanged);
  EXPECT_EQ(store_->content("data/log"), std::nullopt);
  EXPECT_EQ(writes, 3);
}

TEST_F(UploadTest, ReplacedFileOfTheSameSizeIsNoticed) {
  tree_.write("a", "old!");
  bool once = true;
  files_.after_read = [&](std::uint64_t) {
    if (!std::exchange(once, false)) return;
    tree_.write("other", "new!");
    std::filesystem::rename(tree_ / "other", tree_ / "a");
  };
  EXPECT_EQ(upload(create_job("a")).base.md5, md5_of("new!"));
  EXPECT_EQ(store_->content("data/a"), "new!");
}

class StreamedUploadTest : public TransferFixture {
 protected:
  static constexpr std::size_t kSize = 9 * kMiB + 123;
  UploadResult stream(const std::string& key) {
    auto made = environment();
    made.settings.multipart_threshold = 100 * kMiB;
    return upload_file(made, create_job(key), context_);
  }
};

TEST_F(StreamedUploadTest, StoresTheWholeContentWithItsHash) {
  const std::string content = pattern(kSize);
  tree_.write("big.bin", content);
  const auto result = stream("big.bin");
  ASSERT_EQ(result.status, TransferStatus::kDone);
  EXPECT_EQ(store_->content("data/big.bin"), content);
  EXPECT_EQ(result.base.md5, md5_of(content));
  EXPECT_EQ(store_->operations("put"), 1U);
  EXPECT_EQ(reported_, kSize);
}

TEST_F(StreamedUploadTest, ChangeInTheSecondPassDropsTheRequest) {
  tree_.write("big.bin", pattern(kSize));
  const std::string second = pattern(kSize, 2);
  std::uint64_t reads_at_start = 0;
  files_.after_read = [&](std::uint64_t offset) {
    // The second pass begins at 0 again.
    if (offset == 0 && ++reads_at_start == 2) tree_.write("big.bin", second);
  };
  const auto result = stream("big.bin");
  ASSERT_EQ(result.status, TransferStatus::kDone);
  EXPECT_EQ(store_->content("data/big.bin"), second);
  EXPECT_EQ(result.base.md5, md5_of(second));
  EXPECT_EQ(store_->operations("put"), 2U);
}

TEST_F(StreamedUploadTest, NothingIsPublishedWhileTheFileKeepsChanging) {
  tree_.write("big.bin", pattern(kSize));
  unsigned version = 1;
  std::uint64_t reads_at_start = 0;
  files_.after_read = [&](std::uint64_t offset) {
    if (offset == 0 && ++reads_at_start % 2 == 0) {
      tree_.write("big.bin", pattern(kSize, ++version));
    }
  };
  EXPECT_EQ(stream("big.bin").status, TransferStatus::kSourceChanged);
  EXPECT_EQ(store_->content("data/big.bin"), std::nullopt);
}

TEST_F(UploadTest, StoreWithoutRoomForTheFileRefusesItBeforeSending) {
  auto options = store_options();
  options.capabilities.max_single_put = 4;
  options.capabilities.max_object = 8;
  store_ = std::make_unique<storage::MemoryStore>(options);
  tree_.write("a", "more than eight");
  try {
    upload(create_job("a"));
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  }
}

TEST_F(UploadTest, PreservedSymlinkIsAnEmptyObjectWithItsTarget) {
  std::filesystem::create_symlink("target file", tree_ / "link");
  UploadJob job = create_job("link");
  job.kind = EntryKind::kSymlink;
  job.link_target = "target file";
  const auto result = upload(job);
  ASSERT_EQ(result.status, TransferStatus::kDone);
  EXPECT_EQ(store_->content("data/link"), "");
  EXPECT_EQ(storage::symlink_target(*store_->head({"data/link"}, context_)->metadata),
            "target file");
  EXPECT_EQ(result.base.kind, EntryKind::kSymlink);
  EXPECT_EQ(result.base.size, 0U);
  job.link_target = "other";
  EXPECT_EQ(upload(job).status, TransferStatus::kSourceChanged);
}

TEST_F(UploadTest, DirectoryBecomesAMarker) {
  std::filesystem::create_directories(tree_ / "dir/empty");
  UploadJob job = create_job("dir/empty/");
  job.kind = EntryKind::kDirectory;
  const auto result = upload(job);
  ASSERT_EQ(result.status, TransferStatus::kDone);
  EXPECT_EQ(result.base.key, "dir/empty/");
  EXPECT_EQ(result.base.size, 0U);
  EXPECT_EQ(store_->content("data/dir/empty/"), "");
}

TEST_F(UploadTest, FollowedSymlinkRecordsTheTargetsState) {
  tree_.write("real", "content");
  std::filesystem::create_symlink("real", tree_ / "link");
  UploadJob job = create_job("link");
  job.follow = true;
  const auto result = upload(job);
  ASSERT_EQ(result.status, TransferStatus::kDone);
  EXPECT_EQ(result.base.l_ino, files_.stat("real")->ino);
  EXPECT_EQ(store_->content("data/link"), "content");
}

TEST_F(UploadTest, HashOfAnUnstableOrMissingFileIsNothing) {
  tree_.write("a", "hello");
  EXPECT_EQ(hash_local_file(files_, "a", false, ContentHash::kMd5, context_)->md5,
            md5_of("hello"));
  EXPECT_FALSE(hash_local_file(files_, "b", false, ContentHash::kMd5, context_));
  files_.after_read = [&](std::uint64_t) { tree_.write("a", "hello!"); };
  EXPECT_FALSE(hash_local_file(files_, "a", false, ContentHash::kMd5, context_));
}

}  // namespace
}  // namespace cloudsync::sync

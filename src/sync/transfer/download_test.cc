// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fstream>

#include "sync/testing/transfer_fixture.h"
#include "sync/transfer/ranged_download.h"

namespace cloudsync::sync {
namespace {

ErrorCode code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "no error";
  return ErrorCode::kInternal;
}

class DownloadTest : public TransferFixture {};

TEST_F(DownloadTest, TempFileHoldsTheVerifiedContentAndTheObjectsTime) {
  store_->put_directly("data/a", "hello", {{"mtime", "1600000000.5"}});
  const auto result = download(download_job("a"));
  ASSERT_EQ(result.status, TransferStatus::kDone);
  EXPECT_TRUE(result.temp_path.starts_with(kTempDirectory));
  EXPECT_EQ(tree_.read(result.temp_path), "hello");
  EXPECT_EQ(result.md5, md5_of("hello"));
  EXPECT_EQ(result.mtime_ns, 1'600'000'000'500'000'000);
  const auto stat = files_.stat(result.temp_path);
  EXPECT_EQ(stat->mtime_ns, result.mtime_ns);
  EXPECT_EQ(stat->mode, 0600U);
  EXPECT_EQ(result.bytes, 5U);
  EXPECT_EQ(reported_, 5U);
}

TEST_F(DownloadTest, WithoutMetadataTheTimeIsLastModified) {
  store_->put_directly("data/a", "hello");
  const auto job = download_job("a");
  EXPECT_EQ(download(job).mtime_ns, job.remote.last_modified_ns);
}

TEST_F(DownloadTest, TimeComesFromTheListingWhereTheAnswerTellsNoMetadata) {
  auto options = store_options();
  options.silent_get = true;
  store_ = std::make_unique<storage::MemoryStore>(options);
  store_->put_directly("data/a", "hello", {{"mtime", "1600000000.5"}});
  EXPECT_EQ(download(download_job("a")).mtime_ns, 1'600'000'000'500'000'000);
  const std::string large = pattern(5 * kMiB);
  store_->put_directly("data/large", large, {{"mtime", "1600000001.5"}});
  EXPECT_EQ(download(download_job("large")).mtime_ns, 1'600'000'001'500'000'000);
}

TEST_F(DownloadTest, EmptyObjectIsAnOrdinaryFile) {
  store_->put_directly("data/a", "");
  const auto result = download(download_job("a"));
  ASSERT_EQ(result.status, TransferStatus::kDone);
  EXPECT_EQ(files_.stat(result.temp_path)->size, 0U);
}

TEST_F(DownloadTest, AnotherVersionThanListedIsNotTaken) {
  store_->put_directly("data/a", "first");
  const auto job = download_job("a");
  store_->put_directly("data/a", "second");
  EXPECT_EQ(download(job).status, TransferStatus::kTargetChanged);
  store_->remove_directly("data/a");
  EXPECT_EQ(download(job).status, TransferStatus::kTargetChanged);
  EXPECT_EQ(count_temp_files(), 0U);
}

TEST_F(DownloadTest, ArchivedObjectIsReportedAsSuch) {
  store_->put_directly("data/a", "first");
  store_->archive("data/a");
  EXPECT_EQ(download(download_job("a")).status, TransferStatus::kArchived);
  EXPECT_EQ(count_temp_files(), 0U);
}

TEST_F(DownloadTest, ContentThatDoesNotMatchItsMetadataIsDropped) {
  auto options = store_options();
  options.content_tokens = true;
  store_ = std::make_unique<storage::MemoryStore>(options);
  store_->put_directly("data/a", "hello", {{"md5chksum", "AAAAAAAAAAAAAAAAAAAAAA=="}});
  auto job = download_job("a");
  // The store itself vouches for the content here: its word is better than the writer's.
  EXPECT_EQ(download(job).status, TransferStatus::kDone);
  job.remote.md5 = Md5Digest{};
  store_->put_directly("data/b", "hello");
  auto other = download_job("b");
  EXPECT_EQ(download(other).status, TransferStatus::kDone);
}

// A store whose bodies lose a bit on the way.
class CorruptingStore final : public storage::MemoryStore {
 public:
  using MemoryStore::MemoryStore;
  bool vouches = true;
  storage::GetResult get(const storage::GetRequest& request, ByteSink& sink,
                         const CallContext& context) override {
    Flipper flipper(sink);
    auto result = MemoryStore::get(request, flipper, context);
    if (!vouches) result.info.md5.reset();
    return result;
  }

 private:
  class Flipper final : public ByteSink {
   public:
    explicit Flipper(ByteSink& inner) : inner_(inner) {}
    void write(Bytes bytes) override {
      std::vector<std::byte> copy(bytes.begin(), bytes.end());
      copy.back() ^= std::byte{1};
      inner_.write(copy);
    }

   private:
    ByteSink& inner_;
  };
};

TEST_F(DownloadTest, CorruptedBodyIsDetectedAndItsFileIsGone) {
  store_ = std::make_unique<CorruptingStore>(store_options());
  store_->put_directly("data/a", "hello");
  const auto job = download_job("a");
  EXPECT_EQ(code_of([&] { download(job); }), ErrorCode::kDataCorrupt);
  EXPECT_EQ(count_temp_files(), 0U);
}

TEST_F(DownloadTest, Md5OfTheWriterDetectsCorruptionToo) {
  auto store = std::make_unique<CorruptingStore>(store_options());
  store->vouches = false;
  store_ = std::move(store);
  store_->put_directly("data/a", "hello", {{"md5chksum", "XUFAKrxLKna5cZ2REBfFkg=="}});
  auto job = download_job("a");
  job.remote.md5.reset();
  EXPECT_EQ(code_of([&] { download(job); }), ErrorCode::kDataCorrupt);
  EXPECT_EQ(count_temp_files(), 0U);
}

TEST_F(DownloadTest, CorruptedRangesAreDetectedAndNothingIsLeft) {
  store_ = std::make_unique<CorruptingStore>(store_options());
  store_->put_directly("data/a", pattern(4 * kMiB));
  const auto job = download_job("a");
  EXPECT_EQ(code_of([&] { download(job); }), ErrorCode::kDataCorrupt);
  EXPECT_EQ(count_temp_files(), 0U);
  EXPECT_TRUE(state_->transfers(pair_).empty());
}

TEST_F(DownloadTest, BrokenBodyLeavesNoFile) {
  store_->put_directly("data/a", "hello");
  const auto job = download_job("a");
  store_->break_next_body_after(2);
  EXPECT_EQ(code_of([&] { download(job); }), ErrorCode::kUnavailable);
  EXPECT_EQ(count_temp_files(), 0U);
}

TEST_F(DownloadTest, ObjectThatCannotFitFailsBeforeItIsAskedFor) {
  store_->put_directly("data/a", "hello");
  auto job = download_job("a");
  job.remote.size = 1ULL << 60;
  EXPECT_EQ(code_of([&] { download(job); }), ErrorCode::kDiskFull);
  EXPECT_EQ(store_->operations("get"), 0U);
  EXPECT_EQ(count_temp_files(), 0U);
}

class RangedDownloadTest : public TransferFixture {
 protected:
  static constexpr std::size_t kSize = 6 * kMiB + 99;  // seven parts

  void interrupt(const DownloadJob& job, int parts) {
    auto left = std::make_shared<std::atomic<int>>(parts);
    store_->set_fault(
        [left](const std::string& operation, const std::string&, bool after) {
          if (operation != "get" || after || (*left)-- > 0) return;
          throw Error(ErrorCode::kUnavailable, "the line is cut");
        });
    EXPECT_EQ(code_of([&] { download(job); }), ErrorCode::kUnavailable);
    store_->set_fault({});
  }

  TransferRow row() {
    return *state_->find_transfer(pair_, "a", OperationAction::kDownload);
  }
};

TEST_F(RangedDownloadTest, RangesMakeUpTheWholeObject) {
  const std::string content = pattern(kSize);
  store_->put_directly("data/a", content, {{"mtime", "1600000000"}});
  const auto result = download(download_job("a"));
  ASSERT_EQ(result.status, TransferStatus::kDone);
  EXPECT_EQ(tree_.read(result.temp_path), content);
  EXPECT_EQ(result.md5, md5_of(content));
  EXPECT_EQ(store_->operations("get"), 7U);
  EXPECT_EQ(result.mtime_ns, 1'600'000'000'000'000'000);
  EXPECT_EQ(files_.stat(result.temp_path)->mtime_ns, result.mtime_ns);
  EXPECT_EQ(result.bytes, kSize);
  EXPECT_TRUE(result.transfer);
}

TEST_F(RangedDownloadTest, OneThreadIsEnough) {
  pool_.set_limit(1);
  store_->put_directly("data/a", pattern(kSize));
  std::atomic<bool> done = false;
  pool_.submit([&] {
    EXPECT_EQ(download(download_job("a")).status, TransferStatus::kDone);
    done = true;
  });
  pool_.wait_idle();
  EXPECT_TRUE(done);
}

TEST_F(RangedDownloadTest, NeverMixesTwoVersions) {
  store_->put_directly("data/a", pattern(kSize));
  const auto job = download_job("a");
  std::atomic<int> gets = 0;
  store_->set_fault([&](const std::string& operation, const std::string&, bool after) {
    if (operation == "get" && !after && ++gets == 4) {
      store_->put_directly("data/a", pattern(kSize, 2));
    }
  });
  EXPECT_EQ(download(job).status, TransferStatus::kTargetChanged);
  EXPECT_EQ(count_temp_files(), 0U);
  EXPECT_TRUE(state_->transfers(pair_).empty());
}

TEST_F(RangedDownloadTest, ResumeFetchesOnlyTheMissingRanges) {
  const std::string content = pattern(kSize);
  store_->put_directly("data/a", content);
  const auto job = download_job("a");
  interrupt(job, 5);
  EXPECT_EQ(count_temp_files(), 1U);
  EXPECT_EQ(state_->parts(row().id).size(), 5U);
  const auto before = store_->operations("get");
  const auto result = download(job);
  ASSERT_EQ(result.status, TransferStatus::kDone);
  EXPECT_EQ(store_->operations("get") - before, 2U);
  EXPECT_EQ(tree_.read(result.temp_path), content);
  EXPECT_EQ(result.md5, md5_of(content));
  EXPECT_EQ(count_temp_files(), 1U);
}

TEST_F(RangedDownloadTest, RecordedRangeThatTheDiskLostIsFetchedAgain) {
  const std::string content = pattern(kSize);
  store_->put_directly("data/a", content);
  const auto job = download_job("a");
  interrupt(job, 5);
  const auto first = state_->parts(row().id).front();
  {
    std::fstream file(tree_ / (std::string(kTempDirectory) + "/" + row().temp_name),
                      std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(first.offset + 10));
    file.write("\0\0\0\0\0\0\0\0", 8);
  }
  const auto before = store_->operations("get");
  const auto result = download(job);
  ASSERT_EQ(result.status, TransferStatus::kDone);
  EXPECT_EQ(store_->operations("get") - before, 3U);
  EXPECT_EQ(tree_.read(result.temp_path), content);
}

TEST_F(RangedDownloadTest, AllRangesThereAlreadyNeedsNoBody) {
  const std::string content = pattern(kSize);
  store_->put_directly("data/a", content, {{"mtime", "1600000000"}});
  const auto job = download_job("a");
  ASSERT_EQ(download(job).status, TransferStatus::kDone);
  const auto before = store_->operations("get");
  const auto result = download(job);
  ASSERT_EQ(result.status, TransferStatus::kDone);
  EXPECT_EQ(store_->operations("get"), before);
  EXPECT_EQ(result.mtime_ns, 1'600'000'000'000'000'000);
  EXPECT_EQ(result.bytes, 0U);
}

TEST_F(RangedDownloadTest, AnotherVersionStartsAnewAndDropsTheOldFile) {
  store_->put_directly("data/a", pattern(kSize));
  interrupt(download_job("a"), 5);
  const std::string content = pattern(kSize, 2);
  store_->put_directly("data/a", content);
  const auto result = download(download_job("a"));
  ASSERT_EQ(result.status, TransferStatus::kDone);
  EXPECT_EQ(tree_.read(result.temp_path), content);
  EXPECT_EQ(count_temp_files(), 1U);
}

TEST_F(RangedDownloadTest, StopLeavesTheFileForTheNextRun) {
  const std::string content = pattern(kSize);
  store_->put_directly("data/a", content);
  const auto job = download_job("a");
  std::stop_source stop;
  context_.stop = stop.get_token();
  std::atomic<int> gets = 0;
  store_->set_fault([&](const std::string& operation, const std::string&, bool after) {
    if (operation == "get" && after && ++gets == 2) stop.request_stop();
  });
  EXPECT_EQ(code_of([&] { download(job); }), ErrorCode::kCancelled);
  store_->set_fault({});
  context_.stop = {};
  EXPECT_EQ(count_temp_files(), 1U);
  EXPECT_EQ(tree_.read(download(job).temp_path), content);
}

TEST_F(RangedDownloadTest, StaleDownloadsAreDropped) {
  store_->put_directly("data/a", pattern(kSize));
  interrupt(download_job("a"), 2);
  auto made = environment();
  drop_stale_downloads(made);
  EXPECT_EQ(count_temp_files(), 1U);
  clock_.shift_ns = 8LL * 86400 * 1'000'000'000;
  drop_stale_downloads(made);
  EXPECT_EQ(count_temp_files(), 0U);
  EXPECT_TRUE(state_->transfers(pair_).empty());
}

}  // namespace
}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "sync/testing/transfer_fixture.h"
#include "sync/transfer/part_plan.h"
#include "sync/transfer/upload_resume.h"

namespace cloudsync::sync {
namespace {

class MultipartUploadTest : public TransferFixture {
 protected:
  static constexpr std::size_t kSize = 5 * kMiB + 77;  // six parts

  // Fails every part from the n-th on, as a cut cable would.
  void cut_after_parts(int n) {
    auto left = std::make_shared<std::atomic<int>>(n);
    store_->set_fault(
        [left](const std::string& operation, const std::string&, bool after) {
          if (operation != "upload_part" || after || (*left)-- > 0) return;
          throw Error(ErrorCode::kUnavailable, "the line is cut");
        });
  }

  void interrupt(const std::string& key, int parts) {
    cut_after_parts(parts);
    EXPECT_THROW(upload(create_job(key)), Error);
    store_->set_fault({});
  }

  std::size_t open_uploads() {
    return store_->multipart()->list_uploads(kPrefix, context_).size();
  }
};

TEST_F(MultipartUploadTest, ObjectIsWholeAndTheBaseRowExact) {
  const std::string content = pattern(kSize);
  tree_.write("big", content);
  const auto result = upload(create_job("big"));
  ASSERT_EQ(result.status, TransferStatus::kDone);
  EXPECT_EQ(store_->content("data/big"), content);
  EXPECT_EQ(store_->operations("upload_part"), 6U);
  EXPECT_EQ(store_->operations("put"), 0U);
  EXPECT_EQ(result.base.md5, md5_of(content));
  const auto info = store_->head({"data/big"}, context_);
  EXPECT_EQ(info->metadata->count("mtime"), 1U);
  EXPECT_EQ(info->crc64nvme, hash::crc64nvme(std::as_bytes(std::span(content))));
  EXPECT_EQ(result.base.r_token, info->token.value);
  EXPECT_EQ(result.base.r_mtime, info->last_modified_ns);
  EXPECT_FALSE(result.base.flags & kBaseProvisional);
  EXPECT_EQ(result.bytes, kSize);
  EXPECT_EQ(reported_, kSize);
  ASSERT_TRUE(result.transfer);
  EXPECT_EQ(state_->parts(*result.transfer).size(), 6U);
}

TEST_F(MultipartUploadTest, WithoutCrcEachPartCarriesItsMd5) {
  store_ = std::make_unique<storage::MemoryStore>(store_options(false));
  tree_.write("big", pattern(kSize));
  const auto result = upload(create_job("big"));
  ASSERT_EQ(result.status, TransferStatus::kDone);
  for (const PartRow& part : state_->parts(*result.transfer)) EXPECT_TRUE(part.md5);
}

TEST_F(MultipartUploadTest, OneThreadIsEnough) {
  pool_.set_limit(1);
  tree_.write("big", pattern(kSize));
  std::atomic<bool> done = false;
  pool_.submit([&] {
    EXPECT_EQ(upload(create_job("big")).status, TransferStatus::kDone);
    done = true;
  });
  pool_.wait_idle();
  EXPECT_TRUE(done);
}

TEST_F(MultipartUploadTest, ManyLargeFilesShareThePool) {
  for (int i = 0; i < 8; ++i) tree_.write("big" + std::to_string(i), pattern(kSize));
  std::atomic<int> done = 0;
  for (int i = 0; i < 8; ++i) {
    pool_.submit([&, i] {
      const auto result = upload(create_job("big" + std::to_string(i)));
      if (result.status == TransferStatus::kDone) ++done;
    });
  }
  pool_.wait_idle();
  EXPECT_EQ(done, 8);
}

TEST_F(MultipartUploadTest, ResumeSendsOnlyTheMissingParts) {
  const std::string content = pattern(kSize);
  tree_.write("big", content);
  interrupt("big", 4);
  const auto sent_before = store_->operations("upload_part");
  const auto row = state_->find_transfer(pair_, "big", OperationAction::kUpload);
  ASSERT_TRUE(row);
  const std::size_t recorded = state_->parts(row->id).size();
  EXPECT_EQ(recorded, 4U);
  const auto result = upload(create_job("big"));
  ASSERT_EQ(result.status, TransferStatus::kDone);
  EXPECT_EQ(store_->operations("upload_part") - sent_before, 2U);
  EXPECT_EQ(store_->operations("begin_upload"), 1U);
  EXPECT_EQ(store_->content("data/big"), content);
  EXPECT_EQ(result.base.md5, md5_of(content));
  EXPECT_LT(result.bytes, kSize - 3 * kMiB);
}

TEST_F(MultipartUploadTest, ResumeProvesPartsByMd5WhereThereIsNoCrc) {
  store_ = std::make_unique<storage::MemoryStore>(store_options(false));
  const std::string content = pattern(kSize);
  tree_.write("big", content);
  interrupt("big", 4);
  const auto sent_before = store_->operations("upload_part");
  EXPECT_EQ(upload(create_job("big")).status, TransferStatus::kDone);
  EXPECT_EQ(store_->operations("upload_part") - sent_before, 2U);
  EXPECT_EQ(store_->content("data/big"), content);
}

TEST_F(MultipartUploadTest, ChangedSourceStartsAnewAndAbortsTheOldUpload) {
  tree_.write("big", pattern(kSize));
  interrupt("big", 4);
  const std::string content = pattern(kSize, 2);
  tree_.write("big", content);
  EXPECT_EQ(upload(create_job("big")).status, TransferStatus::kDone);
  EXPECT_EQ(store_->content("data/big"), content);
  EXPECT_EQ(store_->operations("begin_upload"), 2U);
  EXPECT_EQ(open_uploads(), 0U);
}

TEST_F(MultipartUploadTest, AnotherTargetVersionStartsAnew) {
  tree_.write("big", pattern(kSize));
  interrupt("big", 2);
  UploadJob job = create_job("big");
  job.condition = {.if_match = store_->put_directly("data/big", "x"), .if_absent = false};
  EXPECT_EQ(upload(job).status, TransferStatus::kDone);
  EXPECT_EQ(store_->operations("begin_upload"), 2U);
  EXPECT_EQ(open_uploads(), 0U);
}

// The stat says nothing has changed, the bytes say otherwise.
TEST_F(MultipartUploadTest, ReusedPartsMustStillHoldTheFilesBytes) {
  tree_.write("big", pattern(kSize));
  interrupt("big", 4);
  const std::string content = pattern(kSize, 2);
  const auto row = *state_->find_transfer(pair_, "big", OperationAction::kUpload);
  const auto parts = state_->parts(row.id);
  tree_.write("big", content);
  const auto stat = *files_.stat("big");
  TransferRow forged = row;
  forged.src_mtime = stat.mtime_ns;
  forged.src_ctime = stat.ctime_ns;
  forged.src_ino = stat.ino;
  const OperationId id = state_->begin_transfer(forged);
  for (PartRow part : parts) {
    part.transfer = id;
    const StateChange change = SavePart{part};
    state_->apply(std::span(&change, 1));
  }
  const auto result = upload(create_job("big"));
  ASSERT_EQ(result.status, TransferStatus::kDone);
  EXPECT_EQ(store_->content("data/big"), content);
  EXPECT_EQ(result.base.md5, md5_of(content));
  EXPECT_EQ(store_->operations("begin_upload"), 2U);
  EXPECT_EQ(open_uploads(), 0U);
}

TEST_F(MultipartUploadTest, UploadThatTheServerForgotIsBegunAnew) {
  const std::string content = pattern(kSize);
  tree_.write("big", content);
  interrupt("big", 4);
  for (const auto& info : store_->multipart()->list_uploads(kPrefix, context_)) {
    store_->multipart()->abort_upload(info.key, info.upload, context_);
  }
  EXPECT_EQ(upload(create_job("big")).status, TransferStatus::kDone);
  EXPECT_EQ(store_->content("data/big"), content);
}

TEST_F(MultipartUploadTest, UploadAbortedWhilePartsAreSentIsBegunAnew) {
  const std::string content = pattern(kSize);
  tree_.write("big", content);
  std::atomic<int> parts = 0;
  store_->set_fault(
      [&](const std::string& operation, const std::string& key, bool after) {
        if (operation != "upload_part" || after || ++parts != 3) return;
        for (const auto& info : store_->multipart()->list_uploads(key, context_)) {
          store_->multipart()->abort_upload(info.key, info.upload, context_);
        }
      });
  EXPECT_EQ(upload(create_job("big")).status, TransferStatus::kDone);
  EXPECT_EQ(store_->content("data/big"), content);
  EXPECT_EQ(store_->operations("begin_upload"), 2U);
}

TEST_F(MultipartUploadTest, ChangeWhileReadingIsNeverCompleted) {
  tree_.write("big", pattern(kSize));
  const std::string second = pattern(kSize, 2);
  bool once = true;
  files_.after_read = [&](std::uint64_t offset) {
    if (offset == 3 * kMiB && std::exchange(once, false)) tree_.write("big", second);
  };
  const auto result = upload(create_job("big"));
  ASSERT_EQ(result.status, TransferStatus::kDone);
  EXPECT_EQ(store_->content("data/big"), second);
  EXPECT_EQ(result.base.md5, md5_of(second));
  EXPECT_EQ(open_uploads(), 0U);
}

TEST_F(MultipartUploadTest, TargetThatAppearedMeanwhileIsKept) {
  tree_.write("big", pattern(kSize));
  store_->set_fault([&](const std::string& operation, const std::string&, bool after) {
    if (operation == "complete_upload" && !after)
      store_->put_directly("data/big", "theirs");
  });
  EXPECT_EQ(upload(create_job("big")).status, TransferStatus::kTargetChanged);
  EXPECT_EQ(store_->content("data/big"), "theirs");
  EXPECT_EQ(open_uploads(), 0U);
  EXPECT_FALSE(state_->find_transfer(pair_, "big", OperationAction::kUpload));
}

TEST_F(MultipartUploadTest, UploadIdIsRecordedBeforeTheFirstPart) {
  tree_.write("big", pattern(kSize));
  std::atomic<int> unrecorded = 0;
  store_->set_fault([&](const std::string& operation, const std::string&, bool after) {
    if (after) return;
    const auto row = state_->find_transfer(pair_, "big", OperationAction::kUpload);
    if (operation == "begin_upload" && !row) ++unrecorded;
    if (operation == "upload_part" && (!row || row->upload_ref.empty())) ++unrecorded;
  });
  EXPECT_EQ(upload(create_job("big")).status, TransferStatus::kDone);
  EXPECT_EQ(unrecorded, 0);
}

TEST_F(MultipartUploadTest, StopLeavesEverythingForTheNextRun) {
  const std::string content = pattern(kSize);
  tree_.write("big", content);
  std::stop_source stop;
  context_.stop = stop.get_token();
  std::atomic<int> parts = 0;
  store_->set_fault([&](const std::string& operation, const std::string&, bool after) {
    if (operation == "upload_part" && after && ++parts == 3) stop.request_stop();
  });
  try {
    upload(create_job("big"));
    FAIL() << "went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCancelled);
  }
  store_->set_fault({});
  context_.stop = {};
  EXPECT_EQ(open_uploads(), 1U);
  EXPECT_EQ(upload(create_job("big")).status, TransferStatus::kDone);
  EXPECT_EQ(store_->operations("begin_upload"), 1U);
  EXPECT_EQ(store_->content("data/big"), content);
}

// A store that takes parts only in order, as a session of Google's does.
class SequentialUploadTest : public MultipartUploadTest {
 protected:
  SequentialUploadTest() {
    auto options = store_options(false);
    options.capabilities.sequential_parts = true;
    store_ = std::make_unique<storage::MemoryStore>(options);
  }
};

TEST_F(SequentialUploadTest, PartsGoInOrderOneAtATime) {
  const std::string content = pattern(kSize);
  tree_.write("big", content);
  EXPECT_EQ(upload(create_job("big")).status, TransferStatus::kDone);
  EXPECT_EQ(store_->content("data/big"), content);
}

TEST_F(SequentialUploadTest, ResumeGoesOnBehindTheLastPart) {
  const std::string content = pattern(kSize);
  tree_.write("big", content);
  interrupt("big", 4);
  const auto sent_before = store_->operations("upload_part");
  EXPECT_EQ(upload(create_job("big")).status, TransferStatus::kDone);
  EXPECT_EQ(store_->operations("upload_part") - sent_before, 2U);
  EXPECT_EQ(store_->operations("begin_upload"), 1U);
  EXPECT_EQ(store_->content("data/big"), content);
}

TEST_F(SequentialUploadTest, ConditionThatFailsAtTheBeginningMeansTheTargetChanged) {
  tree_.write("big", pattern(kSize));
  store_->set_fault([](const std::string& operation, const std::string&, bool) {
    if (operation == "begin_upload") throw Error(ErrorCode::kPreconditionFailed, "412");
  });
  EXPECT_EQ(upload(create_job("big")).status, TransferStatus::kTargetChanged);
}

TEST_F(SequentialUploadTest, ManyLargeFilesShareThePool) {
  for (int i = 0; i < 8; ++i) tree_.write("big" + std::to_string(i), pattern(kSize));
  std::atomic<int> done = 0;
  for (int i = 0; i < 8; ++i) {
    pool_.submit([&, i] {
      const auto result = upload(create_job("big" + std::to_string(i)));
      if (result.status == TransferStatus::kDone) ++done;
    });
  }
  pool_.wait_idle();
  EXPECT_EQ(done, 8);
}

TEST_F(MultipartUploadTest, PropertiesAreGivenAgainAtTheEnd) {
  auto options = store_options();
  options.properties_at_complete = true;
  options.capabilities.mtime_style = storage::MtimeStyle::kRfc3339;
  store_ = std::make_unique<storage::MemoryStore>(options);
  tree_.write("big.csv", pattern(kSize));
  ASSERT_EQ(upload(create_job("big.csv")).status, TransferStatus::kDone);
  const auto info = store_->head({"data/big.csv"}, context_);
  EXPECT_EQ(info->content_type, "text/csv");
  EXPECT_TRUE(info->metadata->at("mtime").ends_with("Z"));
}

// The bytes of an interrupted upload can be wrong without our rows knowing.
TEST_F(MultipartUploadTest, ResumedUploadThatEndsCorruptIsBegunAnew) {
  const std::string content = pattern(kSize);
  tree_.write("big", content);
  interrupt("big", 4);
  auto first = std::make_shared<std::atomic<bool>>(true);
  store_->set_fault([first](const std::string& operation, const std::string&, bool) {
    if (operation == "complete_upload" && first->exchange(false)) {
      throw Error(ErrorCode::kDataCorrupt, "another MD5");
    }
  });
  EXPECT_EQ(upload(create_job("big")).status, TransferStatus::kDone);
  EXPECT_EQ(store_->operations("begin_upload"), 2U);
  EXPECT_EQ(store_->content("data/big"), content);
  EXPECT_EQ(open_uploads(), 0U);
}

TEST_F(MultipartUploadTest, UploadThatIsGoneWhenItEndsIsBegunAnew) {
  const std::string content = pattern(kSize);
  tree_.write("big", content);
  auto first = std::make_shared<std::atomic<bool>>(true);
  store_->set_fault([first](const std::string& operation, const std::string&, bool) {
    if (operation == "complete_upload" && first->exchange(false)) {
      throw Error(ErrorCode::kNotFound, "the session expired");
    }
  });
  EXPECT_EQ(upload(create_job("big")).status, TransferStatus::kDone);
  EXPECT_EQ(store_->operations("begin_upload"), 2U);
  EXPECT_EQ(store_->content("data/big"), content);
}

TEST_F(MultipartUploadTest, BuffersAreGivenBack) {
  tree_.write("big", pattern(kSize));
  auto made = environment();
  upload_file(made, create_job("big"), context_);
  EXPECT_EQ(made.buffers->used(), 0U);
}

TEST_F(MultipartUploadTest, OrphansOfChangedOrMissingFilesAreAborted) {
  tree_.write("gone", pattern(kSize));
  tree_.write("changed", pattern(kSize));
  tree_.write("same", pattern(kSize));
  for (const char* key : {"gone", "changed", "same"}) interrupt(key, 1);
  const auto foreign = store_->multipart()->begin_upload({.key = {"data/foreign"},
                                                          .condition = {},
                                                          .size = 1,
                                                          .part_size = 0,
                                                          .content_type = "",
                                                          .storage_class = "",
                                                          .metadata = {},
                                                          .served = {},
                                                          .tags = {}},
                                                         context_);
  std::filesystem::remove(tree_ / "gone");
  tree_.write("changed", pattern(kSize, 3));
  auto made = environment();
  abort_orphaned_uploads(made, context_);
  const auto left = store_->multipart()->list_uploads(kPrefix, context_);
  ASSERT_EQ(left.size(), 2U);
  EXPECT_EQ(left[0].upload, foreign);
  EXPECT_EQ(left[1].key.value, "data/same");
  EXPECT_EQ(state_->transfers(pair_).size(), 1U);
}

TEST_F(MultipartUploadTest, OrphansOlderThanAWeekAreAborted) {
  tree_.write("big", pattern(kSize));
  interrupt("big", 1);
  clock_.shift_ns = 8LL * 86400 * 1'000'000'000;
  auto made = environment();
  abort_orphaned_uploads(made, context_);
  EXPECT_EQ(open_uploads(), 0U);
  EXPECT_TRUE(state_->transfers(pair_).empty());
}

TEST_F(MultipartUploadTest, UploadBegunInTheInstantBeforeACrashIsFoundAndAborted) {
  TransferRow row;
  row.pair = pair_;
  row.key = "big";
  row.started_ns = clock_.now_ns();
  state_->begin_transfer(row);
  store_->multipart()->begin_upload({.key = {"data/big"},
                                     .condition = {},
                                     .size = 1,
                                     .part_size = 0,
                                     .content_type = "",
                                     .storage_class = "",
                                     .metadata = {},
                                     .served = {},
                                     .tags = {}},
                                    context_);
  store_->multipart()->begin_upload({.key = {"data/bigger"},
                                     .condition = {},
                                     .size = 1,
                                     .part_size = 0,
                                     .content_type = "",
                                     .storage_class = "",
                                     .metadata = {},
                                     .served = {},
                                     .tags = {}},
                                    context_);
  auto made = environment();
  abort_orphaned_uploads(made, context_);
  const auto left = store_->multipart()->list_uploads(kPrefix, context_);
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].key.value, "data/bigger");
  EXPECT_TRUE(state_->transfers(pair_).empty());
}

TEST_F(MultipartUploadTest, AbortThatFailsStaysForTheNextRun) {
  tree_.write("big", pattern(kSize));
  interrupt("big", 1);
  std::filesystem::remove(tree_ / "big");
  store_->set_fault([](const std::string& operation, const std::string&, bool) {
    if (operation == "abort_upload") throw Error(ErrorCode::kUnavailable, "down");
  });
  auto made = environment();
  abort_orphaned_uploads(made, context_);
  EXPECT_EQ(state_->transfers(pair_).size(), 1U);
  store_->set_fault({});
  abort_orphaned_uploads(made, context_);
  EXPECT_TRUE(state_->transfers(pair_).empty());
  EXPECT_EQ(open_uploads(), 0U);
}

TEST(PartPlanTest, PartsGrowSoThatTheirNumberFits) {
  storage::Capabilities capabilities;
  EXPECT_EQ(plan_parts(200 * kMiB, 5 * kMiB, capabilities).part_size, 5 * kMiB);
  EXPECT_EQ(plan_parts(200 * kMiB, 1, capabilities).part_size, 5 * kMiB);
  const auto plan = plan_parts(100'001 * kMiB, 5 * kMiB, capabilities);
  EXPECT_EQ(plan.part_size, 11 * kMiB);
  EXPECT_LE(plan.count(), 10000U);
  EXPECT_EQ(plan_parts(10, 5'500'000, capabilities).part_size, 6 * kMiB);
}

TEST(PartPlanTest, PartsAreMultiplesOfWhatTheStoreTakes) {
  storage::Capabilities capabilities;
  capabilities.min_part = 8 * kMiB;
  capabilities.part_multiple = 256 << 10;
  EXPECT_EQ(plan_parts(200 * kMiB, 5 * kMiB, capabilities).part_size, 8 * kMiB);
  capabilities.part_multiple = 8 * kMiB;
  EXPECT_EQ(plan_parts(200 * kMiB, 9 * kMiB, capabilities).part_size, 16 * kMiB);
}

TEST(PartPlanTest, RangesCoverTheFileWithoutGaps) {
  const PartPlan plan{.size = 25, .part_size = 10};
  ASSERT_EQ(plan.count(), 3U);
  EXPECT_EQ(plan.range(1).offset, 0U);
  EXPECT_EQ(plan.range(3).offset, 20U);
  EXPECT_EQ(plan.range(3).length, 5U);
}

}  // namespace
}  // namespace cloudsync::sync

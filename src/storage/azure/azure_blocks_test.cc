// SPDX-License-Identifier: Apache-2.0
#include "storage/azure/azure_test_bench.h"

#include "hash/digest.h"
#include "storage/azure/azure_block_id.h"

namespace cloudsync::storage::azure {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::source_of;

class AzureBlocksTest : public testing::StoreTest {
 protected:
  UploadId begin() {
    BeginUploadRequest request;
    request.key = {"big"};
    return multipart().begin_upload(request, {});
  }
  PartReceipt part(const UploadId& upload, std::uint32_t number,
                   const std::string& text) {
    PartRequest request;
    request.key = {"big"};
    request.upload = upload;
    request.number = number;
    request.md5 = hash::Md5::of(std::as_bytes(std::span(text)));
    MemorySource source = source_of(text);
    return multipart().upload_part(request, source, {});
  }
  CompleteRequest completion(const UploadId& upload, std::vector<PartReceipt> parts) {
    CompleteRequest request;
    request.key = {"big"};
    request.upload = upload;
    request.parts = std::move(parts);
    return request;
  }
};

TEST_F(AzureBlocksTest, PartsInAnyOrderBecomeOneBlobWithItsAttributes) {
  const UploadId upload = begin();
  EXPECT_TRUE(sent().empty());
  const PartReceipt second = part(upload, 2, "tail");
  const PartReceipt first = part(upload, 1, "head-");
  CompleteRequest request = completion(upload, {first, second});
  request.size = 9;
  request.md5 = Md5Digest{7};
  request.content_type = "text/plain";
  request.storage_class = "cool";
  request.metadata = {{"mtime", "x"}};
  request.condition.if_absent = true;
  const PutResult written = multipart().complete_upload(request, {});
  ASSERT_EQ(written.outcome, Outcome::kOk);
  EXPECT_FALSE(written.md5);
  const auto info = store().head({"big"}, {});
  EXPECT_EQ(service_.blobs["big"].content, "head-tail");
  EXPECT_EQ(info->token, written.token);
  EXPECT_EQ(info->stored_md5, request.md5);
  EXPECT_EQ(info->storage_class, "Cool");
  EXPECT_EQ(info->content_type, "text/plain");
  EXPECT_EQ(info->metadata, request.metadata);
}

TEST_F(AzureBlocksTest, PartsAreFoundAgainAndNeverThoseOfAnother) {
  const UploadId other = begin();
  part(other, 1, "theirs");
  const UploadId upload = begin();
  EXPECT_TRUE(multipart().list_parts({"big"}, upload, {})->empty());
  const PartReceipt second = part(upload, 2, "22");
  const PartReceipt first = part(upload, 1, "1");
  service_.uncommitted["big"]["Zm9yZWlnbiBibG9jayBvZiA="] = "foreign";
  const auto parts = multipart().list_parts({"big"}, upload, {});
  ASSERT_EQ(parts->size(), 2U);
  EXPECT_EQ(parts->at(0).number, 1U);
  EXPECT_EQ(parts->at(0).etag, first.etag);
  EXPECT_EQ(parts->at(1).size, 2U);
  EXPECT_EQ(parts->at(1).etag, second.etag);
  EXPECT_TRUE(multipart().list_parts({"elsewhere"}, upload, {})->empty());
}

TEST_F(AzureBlocksTest, BlocksThatAnotherCommitDroppedAreNotFound) {
  const UploadId upload = begin();
  const PartReceipt mine = part(upload, 1, "mine");
  put("big", "theirs");
  const Error error =
      error_of([&] { multipart().complete_upload(completion(upload, {mine}), {}); });
  EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  EXPECT_EQ(error.detail().provider_code, "InvalidBlockList");
  EXPECT_EQ(service_.blobs["big"].content, "theirs");
}

TEST_F(AzureBlocksTest, ASecondCompletionFindsTheUploadGone) {
  const UploadId upload = begin();
  const PartReceipt only = part(upload, 1, "text");
  multipart().complete_upload(completion(upload, {only}), {});
  EXPECT_EQ(error_of([&] {
              multipart().complete_upload(completion(upload, {only}), {});
            }).code(),
            ErrorCode::kNotFound);
}

TEST_F(AzureBlocksTest, ConditionsHoldAtTheCommit) {
  const PutResult there = put("big", "there");
  const UploadId upload = begin();
  const PartReceipt only = part(upload, 1, "text");
  CompleteRequest request = completion(upload, {only});
  request.condition.if_absent = true;
  EXPECT_EQ(multipart().complete_upload(request, {}).outcome,
            Outcome::kPreconditionFailed);
  request.condition = {VersionToken{"0xWRONG"}, false};
  EXPECT_EQ(multipart().complete_upload(request, {}).outcome,
            Outcome::kPreconditionFailed);
  request.condition = {there.token, false};
  EXPECT_EQ(multipart().complete_upload(request, {}).outcome, Outcome::kOk);
}

TEST_F(AzureBlocksTest, AnAbortedUploadTakesNothingMore) {
  const UploadId upload = begin();
  const PartReceipt only = part(upload, 1, "text");
  multipart().abort_upload({"big"}, upload, {});
  multipart().abort_upload({"big"}, upload, {});
  EXPECT_FALSE(multipart().list_parts({"big"}, upload, {}));
  EXPECT_EQ(error_of([&] { part(upload, 2, "x"); }).code(), ErrorCode::kNotFound);
  EXPECT_EQ(error_of([&] {
              multipart().complete_upload(completion(upload, {only}), {});
            }).code(),
            ErrorCode::kNotFound);
  EXPECT_TRUE(service_.blobs.empty());
}

TEST_F(AzureBlocksTest, AnIdOfAnotherStoreIsAnUploadThatIsGone) {
  const UploadId foreign{"2~abc"};
  EXPECT_FALSE(multipart().list_parts({"big"}, foreign, {}));
  EXPECT_EQ(error_of([&] { part(foreign, 1, "x"); }).code(), ErrorCode::kNotFound);
}

TEST_F(AzureBlocksTest, ADamagedPartIsRefused) {
  PartRequest request;
  request.key = {"big"};
  request.upload = begin();
  request.number = 1;
  request.md5 = Md5Digest{1};
  MemorySource source = source_of("text");
  EXPECT_EQ(error_of([&] { multipart().upload_part(request, source, {}); }).code(),
            ErrorCode::kDataCorrupt);
  EXPECT_TRUE(multipart().list_parts({"big"}, request.upload, {})->empty());
}

TEST_F(AzureBlocksTest, PartsThatDoNotAddUpAreNeverCommitted) {
  const UploadId upload = begin();
  CompleteRequest request = completion(upload, {part(upload, 1, "text")});
  request.size = 5;
  EXPECT_EQ(error_of([&] { multipart().complete_upload(request, {}); }).code(),
            ErrorCode::kDataCorrupt);
  EXPECT_TRUE(service_.blobs.empty());
}

TEST_F(AzureBlocksTest, WhatACommitWouldBeRefusedForIsRefusedAtTheBeginning) {
  BeginUploadRequest request;
  request.key = {"big"};
  request.metadata = {{"cs-symlink", "x"}};
  EXPECT_EQ(error_of([&] { multipart().begin_upload(request, {}); }).code(),
            ErrorCode::kInvalidArgument);
  request.metadata.clear();
  request.key = {"dir./x"};
  EXPECT_THROW(multipart().begin_upload(request, {}), Error);
}

TEST(AzureBlockId, IsAsLongForEveryNumberAndReadsBack) {
  const std::string nonce(16, '\xFE');
  EXPECT_EQ(block_id(nonce, 1).size(), block_id(nonce, 50000).size());
  EXPECT_EQ(number_of_block(block_id(nonce, 50000), nonce), 50000U);
  EXPECT_EQ(number_of_block(block_id(nonce, 1), std::string(16, 'a')), std::nullopt);
  EXPECT_EQ(number_of_block("%%%", nonce), std::nullopt);
  EXPECT_EQ(number_of_block("", nonce), std::nullopt);
}

TEST_F(AzureBlocksTest, NothingIsCommittedButItsOwnBlocksInTheirOrder) {
  put("big", "old");
  const UploadId upload = begin();
  const PartReceipt first = part(upload, 1, "a");
  const PartReceipt second = part(upload, 2, "b");
  const PartReceipt foreign = part(begin(), 3, "c");
  const std::vector<std::vector<PartReceipt>> wrong = {
      {}, {second, first}, {first, first}, {first, foreign}};
  for (const auto& parts : wrong) {
    const Error error =
        error_of([&] { multipart().complete_upload(completion(upload, parts), {}); });
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(service_.blobs["big"].content, "old");
}

}  // namespace
}  // namespace cloudsync::storage::azure

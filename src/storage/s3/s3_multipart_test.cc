// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/s3_multipart.h"

#include "hash/digest.h"
#include "storage/s3/s3_test_bench.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cloudsync::storage::s3 {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::source_of;

const ObjectKey kKey{"k"};
const UploadId kUpload{"u+1"};

class S3Multipart : public testing::StoreTest {
 protected:
  MultipartStore& uploads() { return *store().multipart(); }
  PutResult complete(Precondition condition = {}) {
    CompleteRequest request;
    request.key = kKey;
    request.upload = kUpload;
    request.parts = {{1, 5, "e1", {}}};
    request.condition = std::move(condition);
    return uploads().complete_upload(request, {});
  }
  PartReceipt upload_part(std::optional<std::uint64_t> crc64nvme = 9,
                          std::optional<Md5Digest> md5 = {}) {
    PartRequest request;
    request.key = kKey;
    request.upload = kUpload;
    request.number = 3;
    request.crc64nvme = crc64nvme;
    request.md5 = md5;
    MemorySource source = source_of("hello");
    return uploads().upload_part(request, source, {});
  }
};

constexpr char kCompleted[] =
    "<CompleteMultipartUploadResult><ETag>&quot;abc-1&quot;</ETag>"
    "</CompleteMultipartUploadResult>";

TEST_F(S3Multipart, BeginReturnsTheUploadId) {
  answer(200, {},
         "<InitiateMultipartUploadResult><UploadId>id</UploadId>"
         "</InitiateMultipartUploadResult>");
  BeginUploadRequest request;
  request.key = kKey;
  request.metadata = {{"mtime", "1"}};
  EXPECT_EQ(uploads().begin_upload(request, {}).value, "id");
  EXPECT_EQ(last().url, "https://bucket.s3.eu-west-1.amazonaws.com/k?uploads=");
  EXPECT_EQ(last().header("x-amz-meta-mtime"), "1");
  EXPECT_EQ(last().header("x-amz-checksum-algorithm"), "CRC64NVME");
}

TEST_F(S3Multipart, APartGivesItsReceipt) {
  answer(200, {{"ETag", "\"p3\""}});
  const PartReceipt receipt = upload_part();
  EXPECT_EQ(receipt.number, 3U);
  EXPECT_EQ(receipt.size, 5U);
  EXPECT_EQ(receipt.etag, "p3");
  EXPECT_EQ(receipt.crc64nvme, 9U);
  EXPECT_THAT(last().url, HasSubstr("?partNumber=3&uploadId=u%2B1"));
  EXPECT_EQ(last().body, "hello");
}

TEST_F(S3Multipart, EveryPartCarriesTheChecksumItsUploadWasBegunWith) {
  answer(200, {{"ETag", "\"p3\""}});
  const PartReceipt receipt = upload_part({});
  EXPECT_EQ(receipt.crc64nvme, hash::crc64nvme(std::as_bytes(std::span("hello", 5))));
  EXPECT_NE(last().header("x-amz-checksum-crc64nvme"), "");
  EXPECT_EQ(last().body, "hello");
}

TEST_F(S3Multipart, APartOfAnUploadWithoutChecksumsIsProtectedByOneTheServerTakes) {
  use_endpoint("http://127.0.0.1:9000");
  answer(200, {{"ETag", "\"p3\""}});
  upload_part(9, Md5Digest{1});
  EXPECT_EQ(last().header("x-amz-checksum-crc64nvme"), "");
  EXPECT_NE(last().header("content-md5"), "");
  answer(200, {{"ETag", "\"p3\""}});
  upload_part(9);
  EXPECT_NE(last().header("x-amz-checksum-crc64nvme"), "");
}

TEST_F(S3Multipart, APartWithoutAnEtagIsNotAReceipt) {
  answer(200);
  EXPECT_EQ(error_of([&] { upload_part(); }).code(), ErrorCode::kUnavailable);
}

TEST_F(S3Multipart, APartOfAnUploadThatIsGoneSaysSo) {
  answer_error(404, "NoSuchUpload");
  EXPECT_EQ(error_of([&] { upload_part(); }).code(), ErrorCode::kNotFound);
}

TEST_F(S3Multipart, CopiedPartsNameTheirRange) {
  answer(200, {}, "<CopyPartResult><ETag>\"cp\"</ETag></CopyPartResult>");
  CopyPartRequest request{kKey, kUpload, 2, {"src"}, VersionToken{"e"}, {10, 20}};
  const PartReceipt receipt = uploads().copy_part(request, {});
  EXPECT_EQ(receipt.etag, "cp");
  EXPECT_EQ(receipt.size, 20U);
  EXPECT_EQ(last().header("x-amz-copy-source-range"), "bytes=10-29");
  answer_error(412, "PreconditionFailed");
  EXPECT_EQ(error_of([&] { uploads().copy_part(request, {}); }).code(),
            ErrorCode::kPreconditionFailed);
}

TEST_F(S3Multipart, CompleteReportsTheTokenAfterLeadingBlanks) {
  answer(200, {{"x-amz-version-id", "v"}}, kCompleted);
  const PutResult result = complete();
  EXPECT_EQ(result.token.value, "abc-1");
  EXPECT_EQ(result.version_id, "v");
  EXPECT_FALSE(result.md5.has_value());
  answer(200, {}, "<?xml version=\"1.0\"?>\n   \n  " + std::string(kCompleted));
  EXPECT_EQ(complete().token.value, "abc-1");
}

TEST_F(S3Multipart, ACompletionCutOffIsNotASuccess) {
  for (const std::string body :
       {"", "<?xml version=\"1.0\"?>\n    ", "<CompleteMultipartU"}) {
    answer(200, {}, body);
    EXPECT_EQ(error_of([&] { complete(); }).code(), ErrorCode::kUnavailable) << body;
  }
}

TEST_F(S3Multipart, CompleteOutcomesFollowTheCondition) {
  answer_error(412, "PreconditionFailed");
  EXPECT_EQ(complete({{}, true}).outcome, Outcome::kPreconditionFailed);
  answer_error(409, "ConditionalRequestConflict");
  EXPECT_EQ(complete({{}, true}).outcome, Outcome::kPreconditionFailed);
  answer_error(404, "NoSuchKey");
  EXPECT_EQ(complete({VersionToken{"e"}, false}).outcome, Outcome::kPreconditionFailed);
  answer_error(404, "NoSuchUpload");
  EXPECT_EQ(error_of([&] { complete({VersionToken{"e"}, false}); }).code(),
            ErrorCode::kNotFound);
}

TEST_F(S3Multipart, AbortIsIdempotent) {
  answer(204);
  uploads().abort_upload(kKey, kUpload, {});
  answer_error(404, "NoSuchUpload");
  uploads().abort_upload(kKey, kUpload, {});
  answer_error(403, "AccessDenied");
  EXPECT_EQ(error_of([&] { uploads().abort_upload(kKey, kUpload, {}); }).code(),
            ErrorCode::kPermissionDenied);
}

std::string parts_page(int number, const std::string& next) {
  const std::string truncated = next.empty() ? "false" : "true";
  return "<ListPartsResult><IsTruncated>" + truncated +
         "</IsTruncated><NextPartNumberMarker>" + next +
         "</NextPartNumberMarker><Part><PartNumber>" + std::to_string(number) +
         "</PartNumber><ETag>\"e\"</ETag><Size>5</Size></Part></ListPartsResult>";
}

TEST_F(S3Multipart, PartsAreListedPageByPage) {
  answer(200, {}, parts_page(1, "1"));
  answer(200, {}, parts_page(2, ""));
  const auto parts = uploads().list_parts(kKey, kUpload, {});
  ASSERT_TRUE(parts.has_value());
  ASSERT_EQ(parts->size(), 2U);
  EXPECT_EQ((*parts)[1].number, 2U);
  EXPECT_THAT(last().url, HasSubstr("part-number-marker=1"));
}

// moto says ListPartsResponse.
TEST_F(S3Multipart, AListOfPartsIsKnownByTheUploadThatItNames) {
  const std::string part =
      "<Part><PartNumber>1</PartNumber><ETag>\"e\"</ETag><Size>5</Size></Part>";
  answer(200, {},
         "<Odd><UploadId>u</UploadId><IsTruncated>false</IsTruncated>" + part + "</Odd>");
  const auto parts = uploads().list_parts(kKey, kUpload, {});
  ASSERT_TRUE(parts.has_value());
  ASSERT_EQ(parts->size(), 1U);
  EXPECT_EQ(parts->front().etag, "e");
  const std::vector<std::string> others{
      "<Odd><IsTruncated>false</IsTruncated>" + part + "</Odd>",
      "<Odd><UploadId>u</UploadId>" + part + "</Odd>", "<html/>"};
  for (const std::string& other : others) {
    answer(200, {}, other);
    EXPECT_EQ(error_of([&] { uploads().list_parts(kKey, kUpload, {}); }).code(),
              ErrorCode::kUnavailable)
        << other;
  }
}

TEST_F(S3Multipart, PartsOfAnUploadThatIsGoneAreNothing) {
  answer_error(404, "NoSuchUpload");
  EXPECT_FALSE(uploads().list_parts(kKey, kUpload, {}).has_value());
}

TEST_F(S3Multipart, APageOfPartsThatRepeatsItselfIsRefused) {
  answer(200, {}, parts_page(1, "1"));
  answer(200, {}, parts_page(1, "1"));
  EXPECT_EQ(error_of([&] { uploads().list_parts(kKey, kUpload, {}); }).code(),
            ErrorCode::kUnavailable);
}

TEST_F(S3Multipart, UploadsAreListedPageByPage) {
  const std::string upload =
      "<Upload><Key>a+b</Key><UploadId>u</UploadId>"
      "<Initiated>2023-07-22T04:26:40.000Z</Initiated></Upload>";
  answer(200, {},
         "<ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>true"
         "</IsTruncated><NextKeyMarker>a+b</NextKeyMarker><NextUploadIdMarker>u"
         "</NextUploadIdMarker>" +
             upload + "</ListMultipartUploadsResult>");
  answer(200, {},
         "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>" + upload +
             "</ListMultipartUploadsResult>");
  const auto found = uploads().list_uploads("p/", {});
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].key.value, "a b");
  EXPECT_EQ(found[0].initiated_ns, testing::kNow);
  EXPECT_THAT(last().url, HasSubstr("key-marker=a%20b"));
  EXPECT_THAT(last().url, HasSubstr("upload-id-marker=u"));
}

}  // namespace
}  // namespace cloudsync::storage::s3

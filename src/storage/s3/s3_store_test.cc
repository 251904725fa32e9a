// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/s3_store.h"

#include "storage/s3/s3_test_bench.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cloudsync::storage::s3 {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::kEtag;
using testing::source_of;
using testing::StringSink;

class S3Store : public testing::StoreTest {
 protected:
  GetResult get(std::optional<ByteRange> range = {},
                std::optional<VersionToken> token = {}) {
    GetRequest request;
    request.key = {"k"};
    request.range = range;
    request.if_match = std::move(token);
    return store().get(request, sink_, {});
  }
  PutResult put(Precondition condition = {}) {
    PutRequest request;
    request.key = {"k"};
    request.condition = std::move(condition);
    MemorySource source = source_of("hello");
    return store().put(request, source, {});
  }
  PutResult copy(std::optional<VersionToken> token = {}) {
    CopyRequest request;
    request.source = {"s"};
    request.destination = {"d"};
    request.source_if_match = std::move(token);
    return store().copy(request, {});
  }
  StringSink sink_;
};

TEST_F(S3Store, SaysWhereItIs) {
  EXPECT_EQ(store().describe(), "s3://bucket at https://s3.eu-west-1.amazonaws.com");
}

TEST_F(S3Store, GetDeliversBodyAndInfo) {
  answer_object(200, "hello");
  const GetResult result = get();
  EXPECT_EQ(result.outcome, Outcome::kOk);
  EXPECT_EQ(sink_.text, "hello");
  EXPECT_EQ(result.body_bytes, 5U);
  EXPECT_EQ(result.info.size, 5U);
  EXPECT_EQ(result.info.token.value, kEtag);
}

TEST_F(S3Store, GetOfARangeKnowsTheWholeSize) {
  answer_object(206, "ell", {{"Content-Range", "bytes 1-3/5"}, {"Content-Length", "3"}});
  const GetResult result = get(ByteRange{1, 3});
  EXPECT_EQ(sink_.text, "ell");
  EXPECT_EQ(result.info.size, 5U);
}

TEST_F(S3Store, GetOfARangeBeyondTheEndIsClipped) {
  answer_object(206, "lo", {{"Content-Range", "bytes 3-4/5"}, {"Content-Length", "2"}});
  EXPECT_EQ(get(ByteRange{3, 100}).body_bytes, 2U);
}

TEST_F(S3Store, AServerThatIgnoresTheRangeIsNotBelieved) {
  answer_object(200, "hello");
  EXPECT_EQ(error_of([&] { get(ByteRange{1, 3}); }).code(), ErrorCode::kUnsupported);
  answer_object(206, "hel", {{"Content-Range", "bytes 0-2/5"}, {"Content-Length", "3"}});
  EXPECT_EQ(error_of([&] { get(ByteRange{1, 3}); }).code(), ErrorCode::kUnsupported);
}

TEST_F(S3Store, NoByteOfAnotherPlaceOrVersionIsDelivered) {
  answer_object(200, "hello");
  EXPECT_EQ(error_of([&] { get(ByteRange{1, 3}); }).code(), ErrorCode::kUnsupported);
  answer_object(200, "hello");
  EXPECT_EQ(error_of([&] { get({}, VersionToken{"another"}); }).code(),
            ErrorCode::kPreconditionFailed);
  EXPECT_EQ(sink_.text, "");
  answer_object(200, "hello");
  EXPECT_EQ(get({}, VersionToken{kEtag}).body_bytes, 5U);
}

TEST_F(S3Store, AShortRangeIsAFailure) {
  answer_object(206, "e", {{"Content-Range", "bytes 1-1/5"}, {"Content-Length", "1"}});
  EXPECT_EQ(error_of([&] { get(ByteRange{1, 3}); }).code(), ErrorCode::kUnavailable);
}

TEST_F(S3Store, GetOutcomesAreValues) {
  answer_error(404, "NoSuchKey");
  EXPECT_EQ(get().outcome, Outcome::kNotFound);
  answer_error(412, "PreconditionFailed");
  EXPECT_EQ(get({}, VersionToken{"e"}).outcome, Outcome::kPreconditionFailed);
  EXPECT_EQ(last().header("if-match"), "\"e\"");
  answer_error(403, "InvalidObjectState");
  EXPECT_EQ(get().outcome, Outcome::kArchived);
  EXPECT_EQ(sink_.text, "");
}

TEST_F(S3Store, AMissingBucketIsNotAMissingObject) {
  answer_error(404, "NoSuchBucket");
  const Error error = error_of([&] { get(); });
  EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  EXPECT_THAT(error.what(), HasSubstr("NoSuchBucket"));
  answer_error(404, "NoSuchBucket");
  EXPECT_EQ(error_of([&] { put({VersionToken{"e"}, false}); }).code(),
            ErrorCode::kNotFound);
}

TEST_F(S3Store, AMissingEncryptionKeyIsNotAMissingObject) {
  answer_error(404, "kms:KeyNotFound");
  EXPECT_EQ(error_of([&] { put({VersionToken{"e"}, false}); }).code(),
            ErrorCode::kInvalidArgument);
}

TEST_F(S3Store, AnyRangeOfAnEmptyObjectIsEmpty) {
  answer_error(416, "InvalidRange");
  answer_object(200, "");
  const GetResult result = get(ByteRange{0, 100}, VersionToken{kEtag});
  EXPECT_EQ(result.outcome, Outcome::kOk);
  EXPECT_EQ(result.info.size, 0U);
  EXPECT_EQ(last().method, "HEAD");
  EXPECT_EQ(last().header("if-match"), '"' + std::string(kEtag) + '"');
}

TEST_F(S3Store, AnObjectThatGrewAfterItsRangeWasRefusedIsNotReadAsEmpty) {
  answer_error(416, "InvalidRange");
  answer_object(200, "text");
  GetRequest request;
  request.key = {"k"};
  request.range = ByteRange{0, 4};
  StringSink sink;
  EXPECT_EQ(error_of([&] { store().get(request, sink, {}); }).code(),
            ErrorCode::kUnavailable);
}

TEST_F(S3Store, ARangeThatBeginsPastTheEndIsAnError) {
  answer_error(416, "InvalidRange");
  EXPECT_EQ(error_of([&] { get(ByteRange{9, 1}); }).code(), ErrorCode::kInvalidArgument);
}

TEST_F(S3Store, HeadOfAnAbsentKeyIsNothing) {
  answer(404);
  EXPECT_FALSE(store().head({"k"}, {}).has_value());
}

TEST_F(S3Store, PutReportsTheNewToken) {
  answer(200, {{"ETag", '"' + std::string(kEtag) + '"'}, {"x-amz-version-id", "v1"}});
  const PutResult result = put();
  EXPECT_EQ(result.token.value, kEtag);
  EXPECT_EQ(result.version_id, "v1");
  EXPECT_EQ(result.last_modified_ns, testing::kNow);
  EXPECT_FALSE(result.last_modified_exact);
  EXPECT_TRUE(result.md5.has_value());
}

TEST_F(S3Store, PutIfAbsentOnExistingObjectReportsPreconditionFailed) {
  answer_error(412, "PreconditionFailed");
  EXPECT_EQ(put({{}, true}).outcome, Outcome::kPreconditionFailed);
  EXPECT_EQ(last().header("if-none-match"), "*");
}

TEST_F(S3Store, PutIfMatchOnAVanishedObjectReportsPreconditionFailed) {
  answer_error(404, "NoSuchKey");
  EXPECT_EQ(put({VersionToken{"e"}, false}).outcome, Outcome::kPreconditionFailed);
}

TEST_F(S3Store, AnUnconditionalPutNeverFailsAPrecondition) {
  answer_error(412, "PreconditionFailed");
  EXPECT_EQ(error_of([&] { put(); }).code(), ErrorCode::kPreconditionFailed);
}

TEST_F(S3Store, AConflictWithAnotherWriterMayBeTriedAgain) {
  answer_error(409, "ConditionalRequestConflict");
  const Error error = error_of([&] { put({{}, true}); });
  EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  EXPECT_TRUE(error.retryable());
}

TEST_F(S3Store, ABodyDamagedOnTheWayIsToldAsSuch) {
  answer_error(400, "BadDigest");
  EXPECT_EQ(error_of([&] { put(); }).code(), ErrorCode::kDataCorrupt);
}

TEST_F(S3Store, RemoveIsIdempotentAndConditional) {
  answer(204);
  EXPECT_EQ(store().remove({{"k"}, VersionToken{"e"}}, {}).outcome, Outcome::kOk);
  EXPECT_EQ(last().header("if-match"), "\"e\"");
  answer_error(404, "NoSuchKey");
  EXPECT_EQ(store().remove({{"k"}, {}}, {}).outcome, Outcome::kOk);
  answer_error(412, "PreconditionFailed");
  EXPECT_EQ(store().remove({{"k"}, VersionToken{"e"}}, {}).outcome,
            Outcome::kPreconditionFailed);
}

TEST_F(S3Store, RemoveManyGivesEveryKeyItsOwnResult) {
  answer(200, {},
         "<DeleteResult><Error><Key>c</Key><Code>AccessDenied</Code><Message>no</Message>"
         "</Error><Error><Key>b</Key><Code>PreconditionFailed</Code></Error>"
         "<Deleted><Key>a</Key></Deleted></DeleteResult>");
  const std::vector<DeleteRequest> requests = {
      {{"a"}, {}}, {{"b"}, VersionToken{"e"}}, {{"c"}, {}}, {{"d"}, {}}};
  const auto results = store().remove_many(requests, {});
  ASSERT_EQ(results.size(), 4U);
  EXPECT_EQ(last().url, "https://bucket.s3.eu-west-1.amazonaws.com/?delete=");
  EXPECT_NE(last().header("content-md5"), "");
  EXPECT_FALSE(results[0].error);
  EXPECT_EQ(results[1].outcome, Outcome::kPreconditionFailed);
  EXPECT_EQ(results[2].error->code(), ErrorCode::kPermissionDenied);
  EXPECT_THAT(results[2].error->what(), HasSubstr("\"c\""));
  EXPECT_EQ(results[3].error->code(), ErrorCode::kUnavailable);
}

TEST_F(S3Store, RemoveManySendsKeysThatXmlCannotCarryOneByOne) {
  answer(200, {}, "<DeleteResult><Deleted><Key>a</Key></Deleted></DeleteResult>");
  answer(204);
  const auto results =
      store().remove_many(std::vector<DeleteRequest>{{{"\x01"}, {}}, {{"a"}, {}}}, {});
  EXPECT_FALSE(results[0].error);
  EXPECT_FALSE(results[1].error);
  EXPECT_EQ(last().method, "DELETE");
  EXPECT_THAT(last().url, ::testing::EndsWith("/%01"));
}

TEST_F(S3Store, CopyKeepsTheStorageClass) {
  answer_object(200, "x", {{"x-amz-storage-class", "STANDARD_IA"}});
  answer(200, {},
         "<CopyObjectResult><LastModified>2023-07-22T04:26:41.000Z</LastModified>"
         "<ETag>&quot;new&quot;</ETag></CopyObjectResult>");
  const PutResult result = copy(VersionToken{kEtag});
  EXPECT_EQ(result.token.value, "new");
  EXPECT_TRUE(result.last_modified_exact);
  EXPECT_EQ(result.last_modified_ns, testing::kNow + 1'000'000'000);
  EXPECT_EQ(last().header("x-amz-storage-class"), "STANDARD_IA");
  EXPECT_EQ(last().header("x-amz-copy-source"), "bucket/s");
  EXPECT_EQ(last().header("x-amz-copy-source-if-match"), '"' + std::string(kEtag) + '"');
}

TEST_F(S3Store, CopyOutcomesAreValues) {
  answer(404);
  EXPECT_EQ(copy().outcome, Outcome::kNotFound);
  answer_object(200, "x");
  EXPECT_EQ(copy(VersionToken{"other"}).outcome, Outcome::kPreconditionFailed);
  answer_object(200, "x");
  answer_error(412, "PreconditionFailed");
  EXPECT_EQ(copy(VersionToken{kEtag}).outcome, Outcome::kPreconditionFailed);
  answer_object(200, "x");
  answer_error(404, "NoSuchKey");
  EXPECT_EQ(copy().outcome, Outcome::kNotFound);
  answer_object(200, "x", {{"x-amz-storage-class", "GLACIER"}});
  EXPECT_EQ(copy().outcome, Outcome::kArchived);
}

TEST_F(S3Store, ACopyThatFailsAfterItsStatusIsAFailure) {
  answer_object(200, "x");
  answer_error(200, "InternalError");
  EXPECT_EQ(error_of([&] { copy(); }).code(), ErrorCode::kUnavailable);
}

TEST_F(S3Store, DescribeBucketTellsRegionAndVersioning) {
  answer(200, {{"x-amz-bucket-region", "eu-west-1"}});
  answer(200, {},
         "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>");
  const BucketInfo info = store().describe_bucket({});
  EXPECT_TRUE(info.exists);
  EXPECT_TRUE(info.versioned);
  EXPECT_EQ(info.region, "eu-west-1");
}

TEST_F(S3Store, DescribeBucketWithoutTheRightToAskForVersioningSaysUnversioned) {
  answer(200);
  answer_error(403, "AccessDenied");
  const BucketInfo info = store().describe_bucket({});
  EXPECT_TRUE(info.exists);
  EXPECT_FALSE(info.versioned);
}

TEST_F(S3Store, DescribeBucketOfAMissingBucketIsAValue) {
  answer(404);
  EXPECT_FALSE(store().describe_bucket({}).exists);
}

TEST_F(S3Store, DescribeBucketFindsTheWordsThatHeadLeavesOut) {
  answer(403);
  answer_error(403, "InvalidAccessKeyId");
  const Error error = error_of([&] { store().describe_bucket({}); });
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(error.what(), HasSubstr("InvalidAccessKeyId"));
}

}  // namespace
}  // namespace cloudsync::storage::s3

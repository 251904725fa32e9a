// SPDX-License-Identifier: Apache-2.0
#include "storage/gcs/gcs_sessions.h"

#include "base/log.h"
#include "storage/gcs/gcs_session.h"
#include "storage/gcs/gcs_test_bench.h"

#include <gmock/gmock.h>

namespace cloudsync::storage::gcs {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::md5_of;
using ::testing::Not;
using testing::source_of;

constexpr std::uint64_t kPart = 512 << 10;

class GcsSessionsTest : public testing::StoreTest {
 protected:
  GcsSessionsTest() {
    for (std::size_t i = 0; content_.size() < 2 * kPart + 12345; ++i)
      content_.push_back(static_cast<char>(i * 31 + i / 977));
  }

  BeginUploadRequest begin_request(Precondition condition = {}) const {
    BeginUploadRequest request;
    request.key = key_;
    request.condition = std::move(condition);
    request.size = content_.size();
    request.part_size = kPart;
    request.content_type = "text/plain";
    request.storage_class = "NEARLINE";
    request.metadata = {{"mtime", "x"}};
    return request;
  }
  UploadId begin(Precondition condition = {}) {
    return sessions().begin_upload(begin_request(std::move(condition)), {});
  }
  std::string part_of(std::uint32_t number) const {
    return content_.substr((number - 1) * kPart, kPart);
  }
  PartReceipt send(MultipartStore& store, const UploadId& upload, std::uint32_t number) {
    PartRequest request;
    request.key = key_;
    request.upload = upload;
    request.number = number;
    request.offset = (number - 1) * kPart;
    const std::string part = part_of(number);
    MemorySource source = source_of(part);
    return store.upload_part(request, source, {});
  }
  PartReceipt send(const UploadId& upload, std::uint32_t number) {
    return send(sessions(), upload, number);
  }
  CompleteRequest complete_request(const UploadId& upload,
                                   Precondition condition = {}) const {
    CompleteRequest request;
    request.key = key_;
    request.upload = upload;
    request.condition = std::move(condition);
    request.size = content_.size();
    request.md5 = md5_of(content_);
    return request;
  }
  PutResult complete(const UploadId& upload, Precondition condition = {}) {
    return sessions().complete_upload(complete_request(upload, std::move(condition)), {});
  }
  std::string kept(std::size_t session = 0) {
    return service_->session(service_->session_urls().at(session)).received;
  }
  std::size_t status_queries() const {
    std::size_t count = 0;
    for (const auto& request : service_->requests())
      count += request.header("content-range") == "bytes */*" ? 1 : 0;
    return count;
  }

  const ObjectKey key_{"dir/big"};
  std::string content_;
};

TEST_F(GcsSessionsTest, PartsInOrderBecomeOneObjectWithoutAnyStatusQuery) {
  const UploadId upload = begin({{}, true});
  for (std::uint32_t number = 1; number <= 3; ++number) send(upload, number);
  EXPECT_FALSE(service_->object("dir/big"));
  const PutResult stored = complete(upload, {{}, true});
  EXPECT_EQ(stored.outcome, Outcome::kOk);
  EXPECT_EQ(service_->object("dir/big")->content, content_);
  EXPECT_EQ(stored.md5, md5_of(content_));
  EXPECT_EQ(status_queries(), 0U);
  const auto info = store().head(key_, {});
  EXPECT_EQ(info->token, stored.token);
  EXPECT_EQ(info->storage_class, "NEARLINE");
  EXPECT_EQ(info->metadata, (Metadata{{"mtime", "x"}}));
  const std::string hashes = service_->requests().at(3).header("x-goog-hash");
  EXPECT_THAT(hashes, HasSubstr("crc32c="));
  EXPECT_THAT(hashes, HasSubstr("md5="));
}

TEST_F(GcsSessionsTest, TheLastPartIsNotSentBeforeComplete) {
  const UploadId upload = begin();
  send(upload, 1);
  send(upload, 2);
  const std::size_t before = service_->requests().size();
  send(upload, 3);
  EXPECT_EQ(service_->requests().size(), before);
}

TEST_F(GcsSessionsTest, AnObjectOfOnePartIsSentAtOnceByComplete) {
  content_.resize(7);
  const UploadId upload = begin();
  send(upload, 1);
  EXPECT_EQ(complete(upload).outcome, Outcome::kOk);
  EXPECT_EQ(service_->object("dir/big")->content, content_);
}

TEST_F(GcsSessionsTest, AConditionThatFailsAtTheBeginningThrows) {
  service_->put("dir/big", "there");
  EXPECT_EQ(error_of([&] { begin({{}, true}); }).code(), ErrorCode::kPreconditionFailed);
}

TEST_F(GcsSessionsTest, AnObjectThatAppearsMeanwhileIsNotReplaced) {
  const UploadId upload = begin({{}, true});
  for (std::uint32_t number = 1; number <= 3; ++number) send(upload, number);
  service_->put("dir/big", "somebody else's");
  EXPECT_EQ(complete(upload, {{}, true}).outcome, Outcome::kPreconditionFailed);
  EXPECT_EQ(service_->object("dir/big")->content, "somebody else's");
  EXPECT_NO_THROW(sessions().abort_upload(key_, upload, {}));
}

TEST_F(GcsSessionsTest, AnotherConditionThanTheSessionsIsNeverIgnored) {
  const std::uint64_t generation = service_->put("dir/big", "there");
  const VersionToken token{std::to_string(generation)};
  const UploadId upload = begin({token, false});
  for (std::uint32_t number = 1; number <= 3; ++number) send(upload, number);
  EXPECT_EQ(complete(upload, {{}, true}).outcome, Outcome::kPreconditionFailed);
  EXPECT_EQ(service_->object("dir/big")->content, "there");
  EXPECT_EQ(complete(upload, {token, false}).outcome, Outcome::kOk);
  const UploadId plain = begin();
  for (std::uint32_t number = 1; number <= 3; ++number) send(plain, number);
  EXPECT_EQ(error_of([&] { complete(plain, {{}, true}); }).code(),
            ErrorCode::kInvalidArgument);
}

TEST_F(GcsSessionsTest, ALostAnswerToAPartIsSettledByAQuery) {
  const UploadId upload = begin();
  service_->fail_next({"lose-answer", "PUT"});
  EXPECT_TRUE(error_of([&] { send(upload, 1); }).retryable());
  const PartReceipt again = send(upload, 1);
  EXPECT_EQ(again.etag, std::to_string(kPart));
  EXPECT_EQ(status_queries(), 1U);
  send(upload, 2);
  send(upload, 3);
  EXPECT_EQ(complete(upload).outcome, Outcome::kOk);
  EXPECT_EQ(service_->object("dir/big")->content, content_);
  // Nothing was sent twice.
  std::size_t sent = 0;
  for (const auto& request : service_->requests())
    if (request.method == "PUT") sent += request.body.size();
  EXPECT_EQ(sent, content_.size());
}

TEST_F(GcsSessionsTest, BytesTheServiceKeptAreNotSentAgain) {
  const UploadId upload = begin();
  service_->fail_next({"return-503-after-256K"});
  EXPECT_TRUE(error_of([&] { send(upload, 1); }).retryable());
  EXPECT_EQ(kept().size(), 256U << 10);
  send(upload, 1);
  EXPECT_EQ(service_->requests().back().header("content-range"), "bytes 262144-524287/*");
  EXPECT_EQ(kept(), part_of(1));
  send(upload, 2);
  send(upload, 3);
  EXPECT_EQ(complete(upload).outcome, Outcome::kOk);
  EXPECT_EQ(service_->object("dir/big")->content, content_);
}

TEST_F(GcsSessionsTest, AServiceThatKeepsLessGetsTheRestInTheSameCall) {
  service_->keeps_at_most = 256 << 10;
  const UploadId upload = begin();
  for (std::uint32_t number = 1; number <= 3; ++number) send(upload, number);
  EXPECT_EQ(complete(upload).outcome, Outcome::kOk);
  EXPECT_EQ(service_->object("dir/big")->content, content_);
  EXPECT_EQ(status_queries(), 0U);
}

TEST_F(GcsSessionsTest, AServiceThatKeepsNothingDoesNotHoldUsForEver) {
  service_->keeps_at_most = 0;
  const UploadId upload = begin();
  EXPECT_EQ(error_of([&] { send(upload, 1); }).code(), ErrorCode::kUnavailable);
}

TEST_F(GcsSessionsTest, ALostAnswerToTheLastPartIsSettledByAQuery) {
  const UploadId upload = begin({{}, true});
  for (std::uint32_t number = 1; number <= 3; ++number) send(upload, number);
  service_->fail_next({"lose-answer", "PUT"});
  EXPECT_TRUE(error_of([&] { complete(upload, {{}, true}); }).retryable());
  const PutResult stored = complete(upload, {{}, true});
  EXPECT_EQ(stored.outcome, Outcome::kOk);
  EXPECT_EQ(stored.token.value, std::to_string(service_->object("dir/big")->generation));
  EXPECT_EQ(status_queries(), 1U);
}

TEST_F(GcsSessionsTest, ABrokenLastPartGoesOnWhereItBroke) {
  content_.resize(2 * kPart + 2 * 256 * 1024 - 5);
  const UploadId upload = begin();
  for (std::uint32_t number = 1; number <= 3; ++number) send(upload, number);
  service_->fail_next({"return-503-after-1280K"});
  EXPECT_TRUE(error_of([&] { complete(upload); }).retryable());
  EXPECT_EQ(complete(upload).outcome, Outcome::kOk);
  EXPECT_EQ(service_->object("dir/big")->content, content_);
  EXPECT_THAT(service_->requests().back().header("content-range"),
              HasSubstr("bytes 1310720-"));
}

TEST_F(GcsSessionsTest, AWrongHashIsRefusedBeforeTheObjectAppears) {
  const UploadId upload = begin();
  for (std::uint32_t number = 1; number <= 3; ++number) send(upload, number);
  CompleteRequest request = complete_request(upload);
  request.md5 = md5_of("other");
  EXPECT_EQ(error_of([&] { sessions().complete_upload(request, {}); }).code(),
            ErrorCode::kDataCorrupt);
  EXPECT_FALSE(service_->object("dir/big"));
}

TEST_F(GcsSessionsTest, AServerThatIgnoresTheHashesIsFoundOut) {
  service_->damages_uploads = true;
  const UploadId upload = begin();
  for (std::uint32_t number = 1; number <= 3; ++number) send(upload, number);
  CompleteRequest request = complete_request(upload);
  request.md5.reset();
  EXPECT_EQ(error_of([&] { sessions().complete_upload(request, {}); }).code(),
            ErrorCode::kDataCorrupt);
}

TEST_F(GcsSessionsTest, AnotherProcessGoesOnBehindTheWholePartsThatWereKept) {
  const UploadId upload = begin();
  send(upload, 1);
  service_->fail_next({"return-503-after-768K"});
  error_of([&] { send(upload, 2); });

  const auto other = make_store();
  MultipartStore& resumed = *other->multipart();
  const auto parts = resumed.list_parts(key_, upload, {});
  ASSERT_TRUE(parts);
  ASSERT_EQ(parts->size(), 1U);
  EXPECT_EQ(parts->front().number, 1U);
  EXPECT_EQ(parts->front().size, kPart);
  EXPECT_EQ(parts->front().etag, std::to_string(kPart));
  send(resumed, upload, 2);
  EXPECT_EQ(service_->requests().back().header("content-range"),
            "bytes 786432-1048575/*");
  send(resumed, upload, 3);
  EXPECT_EQ(resumed.complete_upload(complete_request(upload), {}).outcome, Outcome::kOk);
  EXPECT_EQ(service_->object("dir/big")->content, content_);
  // The CRC of what the other process sent is not known here; the MD5 is.
  EXPECT_THAT(service_->requests().back().header("x-goog-hash"),
              ::testing::StartsWith("md5="));
  EXPECT_EQ(status_queries(), 1U);
}

TEST_F(GcsSessionsTest, AResumedSessionAsksEvenWithoutAListing) {
  const UploadId upload = begin();
  send(upload, 1);
  const auto other = make_store();
  for (std::uint32_t number = 1; number <= 3; ++number)
    send(*other->multipart(), upload, number);
  EXPECT_EQ(other->multipart()->complete_upload(complete_request(upload), {}).outcome,
            Outcome::kOk);
  EXPECT_EQ(service_->object("dir/big")->content, content_);
  // All bytes went through the second process too, so it knows the CRC.
  EXPECT_THAT(service_->requests().back().header("x-goog-hash"), HasSubstr("crc32c="));
}

TEST_F(GcsSessionsTest, TheLastPartIsNeverListed) {
  content_.resize(2 * kPart);
  const UploadId upload = begin();
  send(upload, 1);
  send(upload, 2);
  EXPECT_EQ(sessions().list_parts(key_, upload, {})->size(), 1U);
}

TEST_F(GcsSessionsTest, AnExpiredSessionIsGone) {
  const UploadId upload = begin();
  send(upload, 1);
  service_->expire(service_->session_urls().front());
  EXPECT_EQ(error_of([&] { send(upload, 2); }).code(), ErrorCode::kNotFound);
  EXPECT_FALSE(sessions().list_parts(key_, upload, {}));
  send(upload, 3);
  EXPECT_EQ(error_of([&] { complete(upload); }).code(), ErrorCode::kNotFound);
}

TEST_F(GcsSessionsTest, ACompletedSessionHasNoPartsToGoOnWith) {
  const UploadId upload = begin();
  for (std::uint32_t number = 1; number <= 3; ++number) send(upload, number);
  complete(upload);
  EXPECT_FALSE(sessions().list_parts(key_, upload, {}));
  EXPECT_EQ(error_of([&] { send(upload, 1); }).code(), ErrorCode::kNotFound);
}

TEST_F(GcsSessionsTest, AServerThatPublishesAnAskedSessionLeavesNoTruncatedObject) {
  options_.endpoint_url = "http://127.0.0.1:4443";
  service_->accepted_token = "";
  service_->ends_asked_sessions = true;
  const UploadId upload = begin();
  send(upload, 1);
  const auto other = make_store();
  EXPECT_FALSE(other->multipart()->list_parts(key_, upload, {}));
  EXPECT_FALSE(service_->object("dir/big"));

  const UploadId second = begin();
  send(second, 1);
  service_->fail_next({"return-503", "PUT"});
  error_of([&] { send(second, 2); });
  EXPECT_EQ(error_of([&] { send(second, 2); }).code(), ErrorCode::kNotFound);
  EXPECT_FALSE(service_->object("dir/big"));
}

TEST_F(GcsSessionsTest, CompleteWithoutTheLastPartInMemoryIsGone) {
  const UploadId upload = begin();
  for (std::uint32_t number = 1; number <= 3; ++number) send(upload, number);
  const auto other = make_store();
  const Error error = error_of(
      [&] { other->multipart()->complete_upload(complete_request(upload), {}); });
  EXPECT_EQ(error.code(), ErrorCode::kNotFound);
}

TEST_F(GcsSessionsTest, AGapIsNeverFilledWithTheNextPart) {
  const UploadId upload = begin();
  EXPECT_EQ(error_of([&] { send(upload, 2); }).code(), ErrorCode::kNotFound);
  EXPECT_EQ(kept(), "");
}

TEST_F(GcsSessionsTest, PartsOfAnotherShapeAreRefused) {
  const UploadId upload = begin();
  PartRequest request;
  request.key = key_;
  request.upload = upload;
  request.number = 1;
  MemorySource odd = source_of("odd");
  EXPECT_EQ(error_of([&] { sessions().upload_part(request, odd, {}); }).code(),
            ErrorCode::kInvalidArgument);
  request.number = 2;
  const std::string part = part_of(1);
  MemorySource elsewhere = source_of(part);
  EXPECT_EQ(error_of([&] { sessions().upload_part(request, elsewhere, {}); }).code(),
            ErrorCode::kInvalidArgument);
}

TEST_F(GcsSessionsTest, AbortIsIdempotent) {
  const UploadId upload = begin();
  send(upload, 1);
  sessions().abort_upload(key_, upload, {});
  EXPECT_TRUE(service_->session(service_->session_urls().front()).cancelled);
  sessions().abort_upload(key_, upload, {});
  EXPECT_FALSE(sessions().list_parts(key_, upload, {}));
}

TEST_F(GcsSessionsTest, AServerThatCannotCancelLeavesTheSessionToEndByItself) {
  const UploadId upload = begin();
  service_->fail_next({"return-501", "DELETE"});
  sessions().abort_upload(key_, upload, {});
}

TEST_F(GcsSessionsTest, ASessionElsewhereGetsNeitherBytesNorTokens) {
  const UploadId foreign{"524288;1060921;;https://evil.example/upload?upload_id=x"};
  EXPECT_FALSE(sessions().list_parts(key_, foreign, {}));
  EXPECT_EQ(error_of([&] { send(foreign, 1); }).code(), ErrorCode::kNotFound);
  EXPECT_EQ(error_of([&] { complete(foreign); }).code(), ErrorCode::kNotFound);
  sessions().abort_upload(key_, foreign, {});
  for (const std::string id :
       {"", ";;;", "1;2;3", "x;1;;https://storage.googleapis.com/"})
    EXPECT_FALSE(sessions().list_parts(key_, {id}, {})) << id;
  EXPECT_TRUE(service_->requests().empty());
}

TEST_F(GcsSessionsTest, TheSessionIsASecretInMessagesAndLogs) {
  const UploadId upload = begin();
  service_->expire(service_->session_urls().front());
  EXPECT_THAT(error_of([&] { send(upload, 1); }).what(), Not(HasSubstr("SECRET")));
  const UploadId second = begin();
  service_->fail_next({"return-400", "PUT"});
  EXPECT_THAT(error_of([&] { send(second, 1); }).what(), Not(HasSubstr("SECRET")));
  EXPECT_THAT(base::redacted("x " + upload.value), Not(HasSubstr("SECRET")));
  EXPECT_THAT(base::redacted("id SECRET-UPLOAD-2"), Not(HasSubstr("SECRET")));
}

TEST_F(GcsSessionsTest, CopiesOfPartsDoNotExist) {
  EXPECT_EQ(error_of([&] { sessions().copy_part({}, {}); }).code(),
            ErrorCode::kUnsupported);
  EXPECT_TRUE(sessions().list_uploads("", {}).empty());
}

TEST(GcsSessionId, SurvivesTheStateDatabase) {
  GcsConfig config;
  config.origin = "https://storage.googleapis.com";
  const SessionId session{8, 17, "0",
                          "https://storage.googleapis.com/u?a=b;c&upload_id=q"};
  const auto back = decode_session(encode_session(session), config);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->part_size, 8U);
  EXPECT_EQ(back->size, 17U);
  EXPECT_EQ(back->condition, "0");
  EXPECT_EQ(back->url, session.url);
}

}  // namespace
}  // namespace cloudsync::storage::gcs

// SPDX-License-Identifier: Apache-2.0
#include "http/scripted_transport.h"
#include "storage/gcs/gcs_test_bench.h"

namespace cloudsync::storage::gcs {
namespace {

using testing::error_of;
using testing::source_of;
using testing::StringSink;

constexpr char kSession[] = "https://storage.googleapis.com/upload?upload_id=SECRET";
constexpr char kObject[] =
    R"({"name":"k","size":"5","generation":"17","crc32c":"AAAAAA==",)"
    R"("updated":"2023-11-14T22:13:20Z"})";

// A server whose answers could make us lose data.
class GcsHostileServer : public ::testing::Test {
 protected:
  ObjectStore& store() {
    if (store_ == nullptr) {
      StorageOptions options;
      options.bucket = "bucket";
      store_ = make_gcs_store(options, testing::environment_of({}),
                              {transport_, std::make_unique<testing::CountedTokens>()});
    }
    return *store_;
  }
  void answer(int status, http::Headers headers = {}, const std::string& body = {}) {
    transport_->expect(http::HttpResponse{status, std::move(headers), body, 0});
  }
  std::shared_ptr<http::ScriptedTransport> transport_ =
      std::make_shared<http::ScriptedTransport>();
  std::unique_ptr<ObjectStore> store_;
};

TEST_F(GcsHostileServer, ASessionThatKeepsMoreThanTheObjectHasIsNotBelieved) {
  BeginUploadRequest begin;
  begin.key = {"k"};
  begin.size = 6;
  answer(200, {{"location", kSession}});
  const UploadId upload = store().multipart()->begin_upload(begin, {});
  PartRequest part;
  part.key = begin.key;
  part.upload = upload;
  part.number = 1;
  MemorySource tail = source_of("tail!!");
  store().multipart()->upload_part(part, tail, {});
  CompleteRequest complete;
  complete.key = begin.key;
  complete.upload = upload;
  complete.size = 6;
  // Its fate unknown, the session is asked, and says what cannot be.
  answer(503);
  EXPECT_EQ(error_of([&] { store().multipart()->complete_upload(complete, {}); }).code(),
            ErrorCode::kUnavailable);
  answer(308, {{"range", "bytes=0-1000000000000"}});
  EXPECT_EQ(error_of([&] { store().multipart()->complete_upload(complete, {}); }).code(),
            ErrorCode::kUnavailable);
  answer(308, {{"range", "bytes=0-1000000000000"}});
  EXPECT_EQ(
      error_of([&] { store().multipart()->list_parts(begin.key, upload, {}); }).code(),
      ErrorCode::kUnavailable);
}

TEST_F(GcsHostileServer, ARefusedConditionIsAValueInEveryFormOfTheRefusal) {
  PutRequest put;
  put.key = {"k"};
  put.condition.if_match = VersionToken{"17"};
  for (const int status : {412, 404, 304}) {
    answer(status);
    MemorySource source = source_of("text");
    EXPECT_EQ(store().put(put, source, {}).outcome, Outcome::kPreconditionFailed);
  }
  // But not where the bucket is what is absent, or where nothing was asked of the object.
  answer(404, {}, R"({"error":{"message":"The specified bucket does not exist."}})");
  MemorySource source = source_of("text");
  EXPECT_EQ(error_of([&] { store().put(put, source, {}); }).code(), ErrorCode::kNotFound);
  put.condition = {};
  answer(404);
  EXPECT_EQ(error_of([&] { store().put(put, source, {}); }).code(), ErrorCode::kNotFound);
}

TEST_F(GcsHostileServer, ANameThatIsNotAllowedFailsForItselfInABatch) {
  answer(200, {{"content-type", "multipart/mixed; boundary=b"}},
         "--b\r\nContent-ID: <response-1>\r\n\r\nHTTP/1.1 204 x\r\n\r\n\r\n--b--");
  const std::vector<DeleteRequest> requests = {{{"a\r\nb"}, {}}, {{"c"}, {}}};
  const auto results = store().remove_many(requests, {});
  ASSERT_EQ(results.size(), 2U);
  EXPECT_EQ(results[0].error.value().code(), ErrorCode::kInvalidArgument);
  EXPECT_FALSE(results[1].error);
}

TEST_F(GcsHostileServer, ACopyThatIsNotItsSourceIsDamaged) {
  for (const char* copy : {R"("size":"4")", R"("size":"5","crc32c":"AAAAAQ==")"}) {
    answer(200, {}, kObject);
    answer(200, {},
           std::string(R"({"done":true,"resource":{"name":"b","generation":"18",)") +
               R"("updated":"2023-11-14T22:13:20Z",)" + copy + "}}");
    EXPECT_EQ(error_of([&] { store().copy({{"k"}, {}, {"b"}, {}, 5}, {}); }).code(),
              ErrorCode::kDataCorrupt);
  }
}

TEST_F(GcsHostileServer, AnObjectThatGrewAfterItsRangeWasRefusedIsNotReadAsEmpty) {
  answer(416);
  answer(200, {}, kObject);
  StringSink sink;
  EXPECT_EQ(
      error_of([&] { store().get({{"k"}, ByteRange{0, 5}, {}, ""}, sink, {}); }).code(),
      ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace cloudsync::storage::gcs

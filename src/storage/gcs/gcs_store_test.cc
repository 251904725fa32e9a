// SPDX-License-Identifier: Apache-2.0
#include "storage/gcs/gcs_store.h"

#include "http/scripted_transport.h"
#include "storage/gcs/gcs_test_bench.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace cloudsync::storage::gcs {
namespace {

using testing::CountedTokens;
using ::testing::ElementsAre;
using testing::environment_of;
using testing::error_of;
using ::testing::HasSubstr;
using testing::md5_of;
using testing::source_of;
using testing::StringSink;

class GcsStore : public testing::StoreTest {};

TEST_F(GcsStore, WhatIsPutIsFoundListedAndRead) {
  PutRequest request;
  request.key = {"dir/k"};
  request.md5 = md5_of("hello");
  request.content_type = "text/plain";
  request.storage_class = "archive";
  request.metadata = {{"mtime", "2023-11-14T22:13:20.5Z"}};
  MemorySource source = source_of("hello");
  const PutResult stored = store().put(request, source, {});
  EXPECT_EQ(stored.outcome, Outcome::kOk);
  EXPECT_TRUE(stored.last_modified_exact);
  EXPECT_EQ(stored.md5, md5_of("hello"));

  const auto info = store().head({"dir/k"}, {});
  ASSERT_TRUE(info);
  EXPECT_EQ(info->token, stored.token);
  EXPECT_EQ(info->last_modified_ns, stored.last_modified_ns);
  EXPECT_EQ(info->storage_class, "ARCHIVE");
  EXPECT_FALSE(info->archived);
  EXPECT_EQ(info->metadata, request.metadata);

  const ListPage page = store().list({"dir/", "", "", "", 1000}, {});
  ASSERT_EQ(page.objects.size(), 1U);
  EXPECT_EQ(page.objects[0].metadata, request.metadata);
  EXPECT_EQ(page.objects[0].token, stored.token);

  StringSink sink;
  const GetResult got = store().get({{"dir/k"}, {}, stored.token, ""}, sink, {});
  EXPECT_EQ(sink.text, "hello");
  EXPECT_EQ(got.info.token, stored.token);
  EXPECT_EQ(got.info.size, 5U);
  EXPECT_EQ(got.info.md5, md5_of("hello"));
  EXPECT_EQ(got.info.metadata, request.metadata);
}

TEST_F(GcsStore, AnEmptyObjectIsPutAndRead) {
  put("empty", "");
  StringSink sink;
  const GetResult whole = store().get({{"empty"}, {}, {}, ""}, sink, {});
  EXPECT_EQ(whole.outcome, Outcome::kOk);
  EXPECT_EQ(whole.info.size, 0U);
  const GetResult range = store().get({{"empty"}, ByteRange{0, 10}, {}, ""}, sink, {});
  EXPECT_EQ(range.outcome, Outcome::kOk);
  EXPECT_EQ(sink.text, "");
}

TEST_F(GcsStore, RangesAreReadWithTheSizeOfTheWhole) {
  put("k", "0123456789");
  StringSink sink;
  const GetResult got = store().get({{"k"}, ByteRange{3, 4}, {}, ""}, sink, {});
  EXPECT_EQ(sink.text, "3456");
  EXPECT_EQ(got.info.size, 10U);
  EXPECT_EQ(got.body_bytes, 4U);
  StringSink end;
  store().get({{"k"}, ByteRange{8, 100}, {}, ""}, end, {});
  EXPECT_EQ(end.text, "89");
  StringSink none;
  EXPECT_EQ(store().get({{"k"}, ByteRange{3, 0}, {}, ""}, none, {}).info.size, 10U);
  EXPECT_EQ(none.text, "");
}

TEST_F(GcsStore, AbsentThingsAreValues) {
  StringSink sink;
  EXPECT_EQ(store().head({"nope"}, {}), std::nullopt);
  EXPECT_EQ(store().get({{"nope"}, {}, {}, ""}, sink, {}).outcome, Outcome::kNotFound);
  EXPECT_EQ(store().remove({{"nope"}, {}}, {}).outcome, Outcome::kOk);
  EXPECT_EQ(store().copy({{"nope"}, {}, {"x"}, {}, 0}, {}).outcome, Outcome::kNotFound);
}

TEST_F(GcsStore, AMissingBucketIsAnErrorAndNotAnAbsentObject) {
  options_.bucket = "other";
  const Error error = error_of([&] { store().head({"k"}, {}); });
  EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  EXPECT_THAT(error.what(), HasSubstr("storage.bucket"));
  EXPECT_EQ(error_of([&] { store().remove({{"k"}, {}}, {}); }).code(),
            ErrorCode::kNotFound);
  EXPECT_EQ(error_of([&] { store().list({}, {}); }).code(), ErrorCode::kNotFound);
  EXPECT_FALSE(store().describe_bucket({}).exists);
}

TEST_F(GcsStore, WritesKeepTheirConditions) {
  const PutResult first = put("k", "one", {{}, true});
  EXPECT_EQ(first.outcome, Outcome::kOk);
  EXPECT_EQ(put("k", "two", {{}, true}).outcome, Outcome::kPreconditionFailed);
  EXPECT_EQ(put("k", "two", {VersionToken{"17"}, false}).outcome,
            Outcome::kPreconditionFailed);
  EXPECT_EQ(put("absent", "two", {VersionToken{"17"}, false}).outcome,
            Outcome::kPreconditionFailed);
  EXPECT_EQ(service_->object("k")->content, "one");
  const PutResult second = put("k", "two", {first.token, false});
  EXPECT_EQ(second.outcome, Outcome::kOk);
  EXPECT_NE(second.token, first.token);
}

TEST_F(GcsStore, DeletesKeepTheirConditions) {
  const PutResult stored = put("k", "one");
  EXPECT_EQ(store().remove({{"k"}, VersionToken{"17"}}, {}).outcome,
            Outcome::kPreconditionFailed);
  EXPECT_TRUE(service_->object("k"));
  EXPECT_EQ(store().remove({{"k"}, stored.token}, {}).outcome, Outcome::kOk);
  EXPECT_FALSE(service_->object("k"));
}

TEST_F(GcsStore, ADownloadOfAReplacedObjectGivesNoByteOfTheNewOne) {
  const PutResult first = put("k", "one");
  put("k", "two");
  StringSink sink;
  EXPECT_EQ(store().get({{"k"}, {}, first.token, ""}, sink, {}).outcome,
            Outcome::kPreconditionFailed);
  EXPECT_EQ(store().get({{"k"}, ByteRange{0, 0}, first.token, ""}, sink, {}).outcome,
            Outcome::kPreconditionFailed);
  EXPECT_EQ(sink.text, "");
}

TEST_F(GcsStore, AWrongChecksumIsRefusedByTheServer) {
  PutRequest request;
  request.key = {"k"};
  request.md5 = md5_of("other");
  MemorySource source = source_of("hello");
  EXPECT_EQ(error_of([&] { store().put(request, source, {}); }).code(),
            ErrorCode::kDataCorrupt);
  EXPECT_FALSE(service_->object("k"));
}

TEST_F(GcsStore, AServerThatStoresOtherBytesIsFoundOutWithoutAnyHashGiven) {
  service_->damages_uploads = true;
  PutRequest request;
  request.key = {"k"};
  MemorySource source = source_of("hello");
  EXPECT_EQ(error_of([&] { store().put(request, source, {}); }).code(),
            ErrorCode::kDataCorrupt);
}

TEST_F(GcsStore, ContentThatLooksLikeAnEnvelopeArrivesAsItIs) {
  const std::string content = "\r\n--cloudsync_--\r\n--B\r\n\r\n";
  put("k", content);
  EXPECT_EQ(service_->object("k")->content, content);
}

TEST_F(GcsStore, PagesFollowOneAnotherAndStartAfterIsExclusive) {
  for (const char* key : {"a", "b", "c", "d/1", "d/2"}) service_->put(key, "x");
  std::vector<std::string> keys;
  ListRequest request;
  request.start_after = "a";
  request.max_keys = 2;
  do {
    const ListPage page = store().list(request, {});
    for (const ObjectInfo& info : page.objects) keys.push_back(info.key.value);
    request.page_token = page.next_page_token;
  } while (!request.page_token.empty());
  EXPECT_THAT(keys, ElementsAre("b", "c", "d/1", "d/2"));
  const ListPage folded = store().list({"", "", "/", "", 1000}, {});
  EXPECT_THAT(folded.common_prefixes, ElementsAre("d/"));
  EXPECT_EQ(folded.objects.size(), 3U);
}

TEST_F(GcsStore, ACopyKeepsClassAndMetadataAndItsConditions) {
  PutRequest request;
  request.key = {"a"};
  request.storage_class = "NEARLINE";
  request.metadata = {{"mtime", "x"}};
  MemorySource source = source_of("0123456789");
  const PutResult a = store().put(request, source, {});
  service_->rewrite_step = 4;
  const PutResult b = store().copy({{"a"}, a.token, {"b/c"}, {{}, true}, 10}, {});
  EXPECT_EQ(b.outcome, Outcome::kOk);
  EXPECT_EQ(service_->count("POST", "rewriteTo"), 3U);
  const auto copied = store().head({"b/c"}, {});
  EXPECT_EQ(copied->storage_class, "NEARLINE");
  EXPECT_EQ(copied->metadata, request.metadata);
  EXPECT_EQ(copied->token, b.token);
  EXPECT_EQ(store().copy({{"a"}, a.token, {"b/c"}, {{}, true}, 10}, {}).outcome,
            Outcome::kPreconditionFailed);
  EXPECT_EQ(store().copy({{"a"}, VersionToken{"17"}, {"d"}, {}, 10}, {}).outcome,
            Outcome::kPreconditionFailed);
  EXPECT_FALSE(service_->object("d"));
}

TEST_F(GcsStore, ABatchAnswersEachKeyForItself) {
  const PutResult a = put("a/x", "1");
  const PutResult b = put("b", "2");
  put("c", "3");
  const std::vector<DeleteRequest> requests = {
      {{"a/x"}, a.token}, {{"b"}, VersionToken{"17"}}, {{"c"}, {}}, {{"nope"}, {}}};
  const auto results = store().remove_many(requests, {});
  ASSERT_EQ(results.size(), 4U);
  EXPECT_EQ(results[0].outcome, Outcome::kOk);
  EXPECT_EQ(results[1].outcome, Outcome::kPreconditionFailed);
  EXPECT_EQ(results[2].outcome, Outcome::kOk);
  EXPECT_EQ(results[3].outcome, Outcome::kOk);
  EXPECT_FALSE(results[3].error);
  EXPECT_FALSE(service_->object("a/x"));
  EXPECT_TRUE(service_->object("b"));
  EXPECT_EQ(service_->count("POST", "/batch/"), 1U);
}

TEST_F(GcsStore, ABatchHasAtMostAHundredCalls) {
  std::vector<DeleteRequest> requests;
  for (int i = 0; i < 250; ++i) {
    const std::string key = "k" + std::to_string(i);
    service_->put(key, "x");
    requests.push_back({{key}, {}});
  }
  EXPECT_EQ(store().remove_many(requests, {}).size(), 250U);
  EXPECT_EQ(service_->count("POST", "/batch/"), 3U);
  EXPECT_FALSE(service_->object("k249"));
}

TEST_F(GcsStore, ARefusedTokenIsRenewedOnceAndTheBodySentAgain) {
  service_->accepted_token = "token-2";
  store();
  tokens_->last_generation = 2;
  EXPECT_EQ(put("k", "hello").outcome, Outcome::kOk);
  EXPECT_EQ(service_->object("k")->content, "hello");
  EXPECT_EQ(service_->requests().size(), 2U);
}

TEST_F(GcsStore, ATokenThatStaysRefusedIsUnauthenticated) {
  service_->accepted_token = "never";
  store();
  tokens_->last_generation = 5;
  const Error error = error_of([&] { put("k", "hello"); });
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_FALSE(error.retryable());
  EXPECT_EQ(service_->requests().size(), 2U);
  EXPECT_THAT(error.what(), Not(HasSubstr("token-")));
}

TEST_F(GcsStore, ARequesterPaysBucketIsBilledToTheProject) {
  service_->requester_pays = true;
  EXPECT_THAT(error_of([&] { put("k", "x"); }).what(), HasSubstr("storage.project"));
  options_.project = "payer";
  const auto paying = make_store();
  service_->put("a", "x");
  EXPECT_TRUE(paying->head({"a"}, {}));
  const std::vector<DeleteRequest> requests = {{{"a"}, {}}};
  EXPECT_FALSE(paying->remove_many(requests, {})[0].error);
}

TEST_F(GcsStore, TheQuotaProjectOfTheCredentialsIsSentAsAHeader) {
  service_->requester_pays = true;
  store();
  tokens_->quota = "quota";
  EXPECT_EQ(put("k", "x").outcome, Outcome::kOk);
  EXPECT_EQ(service_->requests().back().header("x-goog-user-project"), "quota");
}

TEST_F(GcsStore, AnonymousRequestsCarryNoToken) {
  options_.credentials["anonymous"] = "true";
  service_->accepted_token = "";
  EXPECT_EQ(put("k", "x").outcome, Outcome::kOk);
  EXPECT_EQ(service_->requests().back().header("authorization"), "");
  EXPECT_EQ(tokens_->asked, 0);
}

TEST_F(GcsStore, TheBucketIsDescribedAlsoWithoutTheRightToSeeItsSettings) {
  const BucketInfo info = store().describe_bucket({});
  EXPECT_TRUE(info.exists);
  EXPECT_EQ(info.region, "EUROPE-WEST1");
  EXPECT_TRUE(info.versioned);
  service_->may_read_bucket = false;
  EXPECT_TRUE(store().describe_bucket({}).exists);
}

TEST_F(GcsStore, AStopEndsACall) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(error_of([&] { store().head({"k"}, {stop.get_token(), {}}); }).code(),
            ErrorCode::kCancelled);
  EXPECT_TRUE(service_->requests().empty());
}

// A server that answers as no real one does.
class GcsOddServer : public ::testing::Test {
 protected:
  ObjectStore& store() {
    if (store_ == nullptr) {
      StorageOptions options;
      options.bucket = "bucket";
      store_ = make_gcs_store(options, environment_of({}),
                              {transport_, std::make_unique<CountedTokens>()});
    }
    return *store_;
  }
  void answer(int status, http::Headers headers, const std::string& body) {
    transport_->expect(http::HttpResponse{status, std::move(headers), body, 0});
  }
  std::shared_ptr<http::ScriptedTransport> transport_ =
      std::make_shared<http::ScriptedTransport>();
  std::unique_ptr<ObjectStore> store_;
};

TEST_F(GcsOddServer, AnIgnoredConditionOnADownloadIsFoundOutBeforeTheFirstByte) {
  answer(200, {{"x-goog-generation", "18"}, {"content-length", "3"}}, "new");
  StringSink sink;
  EXPECT_EQ(error_of([&] {
              store().get({{"k"}, {}, VersionToken{"17"}, ""}, sink, {});
            }).code(),
            ErrorCode::kPreconditionFailed);
  EXPECT_EQ(sink.text, "");
}

TEST_F(GcsOddServer, AnIgnoredRangeIsFoundOutBeforeTheFirstByte) {
  answer(200, {{"x-goog-generation", "17"}, {"content-length", "5"}}, "hello");
  StringSink sink;
  EXPECT_EQ(
      error_of([&] { store().get({{"k"}, ByteRange{2, 2}, {}, ""}, sink, {}); }).code(),
      ErrorCode::kUnsupported);
  EXPECT_EQ(sink.text, "");
}

TEST_F(GcsOddServer, AShortBodyMayBeFetchedAgain) {
  answer(200, {{"x-goog-generation", "17"}, {"x-goog-stored-content-length", "9"}},
         "hello");
  StringSink sink;
  EXPECT_EQ(error_of([&] { store().get({{"k"}, {}, {}, ""}, sink, {}); }).code(),
            ErrorCode::kUnavailable);
}

TEST_F(GcsOddServer, ACopyThatDoesNotAdvanceEnds) {
  answer(200, {},
         R"({"name":"a","size":"5","generation":"17","updated":"2023-11-14T22:13:20Z"})");
  const std::string step =
      R"({"done":false,"rewriteToken":"T","totalBytesRewritten":"3"})";
  answer(200, {}, step);
  answer(200, {}, step);
  EXPECT_EQ(error_of([&] { store().copy({{"a"}, {}, {"b"}, {}, 5}, {}); }).code(),
            ErrorCode::kUnavailable);
}

TEST_F(GcsOddServer, ABatchThatLeavesAKeyOutIsADoubtAboutThatKey) {
  answer(200, {{"content-type", "multipart/mixed; boundary=b"}},
         "--b\r\nContent-ID: <response-1>\r\n\r\nHTTP/1.1 503 x\r\n\r\n\r\n--b--");
  const std::vector<DeleteRequest> requests = {{{"a"}, {}}, {{"b"}, {}}};
  const auto results = store().remove_many(requests, {});
  EXPECT_EQ(results[0].error.value().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(results[1].error.value().code(), ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace cloudsync::storage::gcs

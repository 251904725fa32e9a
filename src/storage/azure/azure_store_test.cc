// SPDX-License-Identifier: Apache-2.0
#include "storage/azure/azure_test_bench.h"

#include "hash/digest.h"

namespace cloudsync::storage::azure {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::source_of;

class AzureStore : public testing::StoreTest {
 protected:
  std::vector<std::string> names(const ListRequest& request) {
    std::vector<std::string> out;
    ListRequest next = request;
    do {
      const ListPage page = store().list(next, {});
      for (const ObjectInfo& info : page.objects) out.push_back(info.key.value);
      next.page_token = page.next_page_token;
    } while (!next.page_token.empty());
    return out;
  }
};

TEST_F(AzureStore, WhatIsPutIsListedHeadedAndGot) {
  const std::string text = "hello";
  PutRequest request;
  request.key = {"p/a b+c%ü&<>?#"};
  request.condition.if_absent = true;
  request.md5 = hash::Md5::of(std::as_bytes(std::span(text)));
  request.content_type = "text/plain";
  request.storage_class = "COOL";
  request.metadata = {{"mtime", "2023-11-14T22:13:20.5Z"}, {"cs_symlink", "x"}};
  MemorySource source = source_of(text);
  const PutResult written = store().put(request, source, {});
  ASSERT_EQ(written.outcome, Outcome::kOk);
  EXPECT_EQ(written.md5, request.md5);
  EXPECT_TRUE(written.last_modified_exact);

  const ListPage page = store().list({}, {});
  ASSERT_EQ(page.objects.size(), 1U);
  const ObjectInfo& listed = page.objects[0];
  EXPECT_EQ(listed.key, request.key);
  EXPECT_EQ(listed.token, written.token);
  EXPECT_EQ(listed.stored_md5, request.md5);
  EXPECT_EQ(listed.metadata, request.metadata);
  EXPECT_EQ(listed.storage_class, "Cool");

  const auto info = store().head(request.key, {});
  ASSERT_TRUE(info);
  EXPECT_EQ(info->token, written.token);
  EXPECT_EQ(info->metadata, request.metadata);
  EXPECT_EQ(info->content_type, "text/plain");

  const GetResult got = get(request.key.value);
  EXPECT_EQ(sink_.text, text);
  EXPECT_EQ(got.info.stored_md5, request.md5);
  EXPECT_EQ(get(request.key.value, ByteRange{1, 3}).info.stored_md5, request.md5);
  EXPECT_EQ(sink_.text, "ell");
}

TEST_F(AzureStore, ChecksumsTravelAndAWrongOneIsDataCorrupt) {
  PutRequest request;
  request.key = {"k"};
  request.crc64nvme = hash::crc64nvme(std::as_bytes(std::span(std::string_view("body"))));
  request.md5 = hash::Md5::of(std::as_bytes(std::span(std::string_view("body"))));
  MemorySource source = source_of("body");
  EXPECT_EQ(store().put(request, source, {}).outcome, Outcome::kOk);
  EXPECT_EQ(last().header("content-md5"), "");
  EXPECT_NE(last().header("x-ms-content-crc64"), "");
  *request.crc64nvme ^= 1;
  MemorySource again = source_of("body");
  EXPECT_EQ(error_of([&] { store().put(request, again, {}); }).code(),
            ErrorCode::kDataCorrupt);
  request.crc64nvme.reset();
  request.md5 = Md5Digest{1};
  MemorySource third = source_of("body");
  EXPECT_EQ(error_of([&] { store().put(request, third, {}); }).code(),
            ErrorCode::kDataCorrupt);
}

TEST_F(AzureStore, ConditionsOfAPutAreValues) {
  const PutResult first = put("k", "1", {{}, true});
  EXPECT_EQ(put("k", "2", {{}, true}).outcome, Outcome::kPreconditionFailed);
  EXPECT_EQ(put("k", "2", {VersionToken{"0xWRONG"}, false}).outcome,
            Outcome::kPreconditionFailed);
  EXPECT_EQ(put("absent", "2", {first.token, false}).outcome,
            Outcome::kPreconditionFailed);
  EXPECT_EQ(put("k", "2", {first.token, false}).outcome, Outcome::kOk);
}

TEST_F(AzureStore, GetIsPinnedAndEmptyBlobsHaveNoRange) {
  const PutResult first = put("k", "text");
  put("k", "other");
  EXPECT_EQ(get("k", {}, first.token).outcome, Outcome::kPreconditionFailed);
  EXPECT_EQ(get("absent").outcome, Outcome::kNotFound);
  put("empty", "");
  EXPECT_EQ(get("empty", ByteRange{0, 10}).outcome, Outcome::kOk);
  EXPECT_EQ(get("k", ByteRange{2, 0}).info.size, 5U);
  EXPECT_EQ(error_of([&] { get("k", ByteRange{9, 1}); }).detail().provider_code,
            "InvalidRange");
}

TEST_F(AzureStore, AnotherVersionOrRangeThanAskedForReachesNoSink) {
  put("k", "text");
  expect_answer(200,
                {{"etag", "\"0x1\""},
                 {"content-length", "4"},
                 {"last-modified", "Tue, 10 Jan 2023 23:39:32 GMT"}},
                "evil");
  EXPECT_EQ(error_of([&] { get("k", {}, VersionToken{"0x2"}); }).code(),
            ErrorCode::kPreconditionFailed);
  expect_answer(200,
                {{"etag", "\"0x2\""},
                 {"content-length", "4"},
                 {"last-modified", "Tue, 10 Jan 2023 23:39:32 GMT"}},
                "evil");
  EXPECT_EQ(error_of([&] { get("k", ByteRange{1, 2}); }).code(), ErrorCode::kUnsupported);
  EXPECT_EQ(sink_.text, "");
}

TEST_F(AzureStore, ArchivedBlobsAreKnownAsSuch) {
  options_.storage_class = "archive";
  put("k", "text");
  EXPECT_EQ(get("k").outcome, Outcome::kArchived);
  EXPECT_TRUE(store().head({"k"}, {})->archived);
  EXPECT_TRUE(store().list({}, {}).objects.at(0).archived);
  CopyRequest copy;
  copy.source = {"k"};
  copy.destination = {"to"};
  EXPECT_EQ(store().copy(copy, {}).outcome, Outcome::kArchived);
}

TEST_F(AzureStore, PagesFollowTheMarkerInTheServicesOrder) {
  for (const char* name : {"a", "a-b", "a/b", "\xEE\x80\x80", "\xF0\x9F\x98\x80"}) {
    put(name, "1");
  }
  service_.page_size = 2;
  EXPECT_THAT(names({}),
              ElementsAre("a", "a-b", "a/b", "\xF0\x9F\x98\x80", "\xEE\x80\x80"));
  EXPECT_EQ(store().capabilities().list_order, KeyOrder::kUtf16);
}

TEST_F(AzureStore, ControlCharactersSurviveAListing) {
  put("a\x01+%20", "1");
  EXPECT_THAT(names({}), ElementsAre("a\x01+%20"));
}

TEST_F(AzureStore, DirectoriesOfHierarchicalAccountsAreNoFiles) {
  put("dir/file", "1");
  put("dir", "");
  put("marker/", "");
  service_.blobs["dir"].metadata = {{"Hdi_IsFolder", "true"}};
  service_.blobs["marker/"].metadata = {{"hdi_isfolder", "true"}};
  EXPECT_THAT(names({}), ElementsAre("dir/file", "marker/"));
  EXPECT_FALSE(store().head({"dir"}, {}));
}

TEST_F(AzureStore, DeletionsAreConditionalAndTakeSnapshotsAlong) {
  const PutResult written = put("k", "1");
  service_.blobs["k"].has_snapshots = true;
  EXPECT_EQ(store().remove({{"k"}, VersionToken{"0xWRONG"}}, {}).outcome,
            Outcome::kPreconditionFailed);
  EXPECT_EQ(store().remove({{"k"}, written.token}, {}).outcome, Outcome::kOk);
  EXPECT_EQ(store().remove({{"k"}, written.token}, {}).outcome, Outcome::kOk);
  EXPECT_TRUE(service_.blobs.empty());
}

TEST_F(AzureStore, ALeaseIsNoFailedPrecondition) {
  const PutResult written = put("k", "1");
  service_.blobs["k"].leased = true;
  const Error error = error_of([&] { put("k", "2", {written.token, false}); });
  EXPECT_EQ(error.code(), ErrorCode::kPermissionDenied);
  EXPECT_THAT(error.what(), HasSubstr("lease"));
  const Error removal = error_of([&] { store().remove({{"k"}, written.token}, {}); });
  EXPECT_EQ(removal.detail().provider_code, "LeaseIdMissing");
}

TEST_F(AzureStore, ABatchDeletesEachUnderItsOwnCondition) {
  const std::string odd = "a b/\xC3\xBC+%";
  const PutResult first = put(odd, "1");
  put("b", "2");
  put("leased", "3");
  service_.blobs["leased"].leased = true;
  const std::vector<DeleteRequest> requests{{{odd}, first.token},
                                            {{"b"}, VersionToken{"0xWRONG"}},
                                            {{"absent"}, {}},
                                            {{"leased"}, {}},
                                            {{"bad\\name"}, {}}};
  const auto results = store().remove_many(requests, {});
  EXPECT_EQ(last().method, "POST");
  ASSERT_EQ(results.size(), 5U);
  EXPECT_FALSE(results[0].error);
  EXPECT_EQ(results[1].outcome, Outcome::kPreconditionFailed);
  EXPECT_FALSE(results[2].error);
  EXPECT_EQ(results[3].error.value().detail().provider_code, "LeaseIdMissing");
  EXPECT_EQ(results[4].error.value().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(service_.blobs.size(), 2U);
  EXPECT_FALSE(service_.blobs.contains(odd));
}

TEST_F(AzureStore, WithoutBatchesBlobsAreDeletedOneByOne) {
  service_.knows_batches = false;
  for (const char* name : {"a", "b", "c", "d"}) put(name, "1");
  EXPECT_EQ(store()
                .remove_many(std::vector<DeleteRequest>{{{"a"}, {}}, {{"b"}, {}}}, {})
                .size(),
            2U);
  const std::size_t before = sent().size();
  store().remove_many(std::vector<DeleteRequest>{{{"c"}, {}}, {{"d"}, {}}}, {});
  EXPECT_EQ(sent().size(), before + 2);
  EXPECT_TRUE(service_.blobs.empty());
}

TEST_F(AzureStore, ACutBatchAnswerIsNeverTakenForSuccess) {
  const std::vector<DeleteRequest> requests{{{"a"}, {}}, {{"b"}, {}}};
  expect_answer(202, {{"content-type", "multipart/mixed; boundary=B"}},
                "--B\r\nContent-ID: 0\r\n\r\nHTTP/1.1 202 Accepted\r\n\r\n");
  EXPECT_EQ(error_of([&] { store().remove_many(requests, {}); }).code(),
            ErrorCode::kUnavailable);
  expect_answer(202, {{"content-type", "multipart/mixed; boundary=B"}},
                "--B\r\nContent-ID: 0\r\n\r\nHTTP/1.1 202 Accepted\r\n\r\n--B--\r\n");
  const auto results = store().remove_many(requests, {});
  EXPECT_FALSE(results[0].error);
  EXPECT_EQ(results[1].error.value().code(), ErrorCode::kUnavailable);
}

TEST_F(AzureStore, ACopyKeepsMetadataAndTierUnderBothConditions) {
  options_.storage_class = "Cold";
  const PutResult source = put("from é", "text");
  service_.blobs["from é"].metadata = {{"mtime", "x"}};
  CopyRequest copy;
  copy.source = {"from é"};
  copy.destination = {"to"};
  copy.source_if_match = source.token;
  copy.condition.if_absent = true;
  EXPECT_EQ(store().copy(copy, {}).outcome, Outcome::kOk);
  EXPECT_EQ(service_.blobs["to"].tier, "Cold");
  EXPECT_EQ(store().head({"to"}, {})->metadata->at("mtime"), "x");
  EXPECT_EQ(store().copy(copy, {}).outcome, Outcome::kPreconditionFailed);
  copy.condition = {VersionToken{"0xWRONG"}, false};
  EXPECT_EQ(store().copy(copy, {}).outcome, Outcome::kPreconditionFailed);
  copy.condition = {};
  copy.source_if_match = VersionToken{"0xWRONG"};
  EXPECT_EQ(store().copy(copy, {}).outcome, Outcome::kPreconditionFailed);
  copy.source = {"absent"};
  EXPECT_EQ(store().copy(copy, {}).outcome, Outcome::kNotFound);
}

TEST_F(AzureStore, APendingCopyIsAwaitedAndNotReadMeanwhile) {
  service_.copy_polls = 3;
  put("from", "text");
  bool read_refused = false;
  clock_.on_sleep = [&] { read_refused = error_of([&] { get("to"); }).retryable(); };
  CopyRequest copy;
  copy.source = {"from"};
  copy.destination = {"to"};
  const PutResult copied = store().copy(copy, {});
  EXPECT_EQ(copied.outcome, Outcome::kOk);
  EXPECT_EQ(clock_.sleeps, 4);
  EXPECT_TRUE(read_refused);
  EXPECT_EQ(copied.token, store().head({"to"}, {})->token);
}

TEST_F(AzureStore, AFailedCopyLeavesNothingBehind) {
  service_.copy_polls = 1;
  service_.copy_end = "failed";
  put("from", "text");
  CopyRequest copy;
  copy.source = {"from"};
  copy.destination = {"to"};
  const Error error = error_of([&] { store().copy(copy, {}); });
  EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  EXPECT_THAT(error.what(), HasSubstr("500 because"));
  EXPECT_FALSE(service_.blobs.contains("to"));
}

http::Headers blob_headers(const std::string& copy_status) {
  http::Headers out{{"etag", "\"0x1\""},
                    {"last-modified", "Tue, 10 Jan 2023 23:39:32 GMT"},
                    {"content-length", "4"}};
  if (copy_status.empty()) return out;
  out.emplace_back("x-ms-copy-id", "id");
  out.emplace_back("x-ms-copy-status", copy_status);
  return out;
}

TEST_F(AzureStore, ACopyWhoseFailureIsNotCertainDeletesNothing) {
  CopyRequest copy;
  copy.source = {"from"};
  copy.destination = {"to"};
  expect_answer(200, blob_headers(""));
  expect_answer(202, {{"etag", "\"0x2\""}});
  EXPECT_EQ(error_of([&] { store().copy(copy, {}); }).code(), ErrorCode::kUnavailable);
  // The state is missing, unknown, or that of a blob with content.
  for (const char* end : {"", "odd", "failed"}) {
    expect_answer(200, blob_headers(""));
    expect_answer(202, {{"x-ms-copy-id", "id"}, {"x-ms-copy-status", "pending"}});
    http::Headers ended = blob_headers(end);
    if (*end == '\0') ended.emplace_back("x-ms-copy-id", "id");
    expect_answer(200, ended);
    EXPECT_EQ(error_of([&] { store().copy(copy, {}); }).code(), ErrorCode::kUnavailable);
  }
  for (const auto& request : sent()) EXPECT_NE(request.method, "DELETE");
}

TEST_F(AzureStore, ABlobThatGrewAfterItsRangeWasRefusedIsNotReadAsEmpty) {
  put("k", "text");
  expect_error(416, "InvalidRange");
  EXPECT_EQ(error_of([&] { get("k", ByteRange{0, 4}); }).code(), ErrorCode::kUnavailable);
  EXPECT_EQ(sink_.text, "");
}

TEST_F(AzureStore, ATokenWithALineBreakDoesNotBecomeARequestOfABatch) {
  std::vector<DeleteRequest> requests(2);
  requests[0].key = {"a"};
  requests[0].if_match = VersionToken{"0x1\"\r\n\r\nDELETE /box/b HTTP/1.1\r\nx: \""};
  requests[1].key = {"c"};
  EXPECT_EQ(error_of([&] { store().remove_many(requests, {}); }).code(),
            ErrorCode::kInvalidArgument);
  EXPECT_TRUE(sent().empty());
}

TEST_F(AzureStore, APendingCopyEndsWithTheCallersPatience) {
  service_.copy_polls = 1000;
  put("from", "text");
  CopyRequest copy;
  copy.source = {"from"};
  copy.destination = {"to"};
  std::stop_source stop;
  clock_.on_sleep = [&] { stop.request_stop(); };
  CallContext context;
  context.stop = stop.get_token();
  EXPECT_EQ(error_of([&] { store().copy(copy, context); }).code(), ErrorCode::kCancelled);
  clock_.on_sleep = {};
  CallContext hasty;
  hasty.deadline = clock_.steady + std::chrono::seconds(20);
  EXPECT_EQ(error_of([&] { store().copy(copy, hasty); }).code(),
            ErrorCode::kDeadlineExceeded);
}

TEST_F(AzureStore, TheContainerIsDescribed) {
  EXPECT_TRUE(store().describe_bucket({}).exists);
  service_.container_being_deleted = true;
  const Error error = error_of([&] { store().describe_bucket({}); });
  EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  EXPECT_THAT(error.what(), HasSubstr("being deleted"));
  service_.container_being_deleted = false;
  service_.container_exists = false;
  EXPECT_FALSE(store().describe_bucket({}).exists);
  EXPECT_EQ(error_of([&] { store().head({"k"}, {}); }).code(), ErrorCode::kNotFound);
}

TEST_F(AzureStore, ASasThatMayOnlyListStillFindsTheContainer) {
  expect_error(403, "AuthorizationPermissionMismatch");
  EXPECT_TRUE(store().describe_bucket({}).exists);
  expect_error(403, "AuthorizationResourceTypeMismatch");
  expect_error(403, "AuthorizationPermissionMismatch");
  const Error error = error_of([&] { store().describe_bucket({}); });
  EXPECT_EQ(error.code(), ErrorCode::kPermissionDenied);
  EXPECT_THAT(error.what(), HasSubstr("l (list)"));
}

TEST_F(AzureStore, UnusableAnswersAreNoListings) {
  for (const char* body :
       {"", "<html/>", "<EnumerationResults><Blobs/>", "<EnumerationResults/>",
        "<EnumerationResults><Blobs/></EnumerationResults>",
        "<EnumerationResults><Blobs><Blob><Name>a</Name></Blob></Blobs><NextMarker/>"
        "</EnumerationResults>"}) {
    expect_answer(200, {}, body);
    EXPECT_EQ(error_of([&] { store().list({}, {}); }).code(), ErrorCode::kUnavailable)
        << body;
  }
}

}  // namespace
}  // namespace cloudsync::storage::azure

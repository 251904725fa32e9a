// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/conformance_fixture.h"

namespace cloudsync::conformance {
namespace {

#define CS_REQUIRE_STORAGE_CLASS() \
  if (tested().storage_class.empty()) GTEST_SKIP() << "the store keeps one class only"

class Objects : public ConformanceTest {
 protected:
  // A body "1" under a checksum of something else.
  void expect_refused(const PutRequest& request) {
    TextSource source("1");
    try {
      store().put(request, source, {});
      ADD_FAILURE() << "a body with a wrong checksum was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kDataCorrupt) << error.what();
    }
    EXPECT_FALSE(store().head(request.key, {}));
  }

  // Byte by byte under its own name, or not at all and with a reason that stays.
  void expect_kept_or_refused(const std::string& name) {
    try {
      if (put(name, name).outcome != Outcome::kOk) return;
      EXPECT_EQ(content(name), name);
    } catch (const Error& error) {
      EXPECT_FALSE(error.retryable()) << name << ": " << error.what();
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Stores, Objects, ::testing::ValuesIn(store_cases()), case_name);

TEST_P(Objects, PutThenGetReturnsTheSameBytes) {
  const std::string bytes = pattern(300'000);
  const PutResult put_result = put("a", bytes);
  EXPECT_EQ(put_result.outcome, Outcome::kOk);
  std::string body;
  const GetResult result = get("a", body);
  EXPECT_EQ(result.outcome, Outcome::kOk);
  EXPECT_EQ(body, bytes);
  EXPECT_EQ(result.body_bytes, bytes.size());
  EXPECT_EQ(result.info.size, bytes.size());
  EXPECT_EQ(result.info.token, put_result.token);
}

TEST_P(Objects, ZeroBytesIsAnOrdinaryObject) {
  EXPECT_EQ(put("empty", "").outcome, Outcome::kOk);
  EXPECT_EQ(content("empty"), "");
  ASSERT_TRUE(store().head(key("empty"), {}));
  EXPECT_EQ(store().head(key("empty"), {})->size, 0u);
  EXPECT_EQ(names(), std::vector<std::string>{"empty"});
}

TEST_P(Objects, HeadOfAnAbsentObjectIsNothing) {
  EXPECT_FALSE(store().head(key("absent"), {}));
  put("a", "1");
  EXPECT_FALSE(store().head(key("a2"), {}));
}

TEST_P(Objects, GetOfAnAbsentObjectIsNotFound) {
  std::string body;
  EXPECT_EQ(get("absent", body).outcome, Outcome::kNotFound);
  EXPECT_EQ(body, "");
}

TEST_P(Objects, GetBelowAnObjectIsNotFound) {
  put("a", "1");
  std::string body;
  EXPECT_EQ(get("a/b", body).outcome, Outcome::kNotFound);
  EXPECT_FALSE(store().head(key("a/b"), {}));
}

TEST_P(Objects, RemoveOfAnAbsentObjectIsOk) {
  EXPECT_EQ(store().remove({key("absent"), {}}, {}).outcome, Outcome::kOk);
}

TEST_P(Objects, RemoveMakesTheObjectAbsent) {
  put("dir/a", "1");
  EXPECT_EQ(store().remove({key("dir/a"), {}}, {}).outcome, Outcome::kOk);
  EXPECT_FALSE(store().head(key("dir/a"), {}));
  EXPECT_TRUE(names().empty());
}

TEST_P(Objects, PutReplacesTheContentWhole) {
  put("a", pattern(1000));
  put("a", "short");
  EXPECT_EQ(content("a"), "short");
  EXPECT_EQ(store().head(key("a"), {})->size, 5u);
}

TEST_P(Objects, TokenChangesWithTheContent) {
  const auto first = put("a", "1").token;
  const auto second = put("a", "2").token;
  EXPECT_NE(first, second);
  EXPECT_EQ(store().head(key("a"), {})->token, second);
}

// S3 makes its token of the content; the stores that count do not repeat one.
TEST_P(Objects, TokenChangesOnEveryPutWhereItIsNotMadeOfTheContent) {
  const auto first = put("a", "same").token;
  const std::string md5_of_same = "51037a4a37730f52c8732586d3aaa316";
  if (first.value == md5_of_same) GTEST_SKIP() << "the token is the content's MD5";
  EXPECT_NE(put("a", "same").token, first);
}

TEST_P(Objects, TokenOfPutHeadGetAndListAgree) {
  const auto token = put("a", "1").token;
  std::string body;
  EXPECT_EQ(store().head(key("a"), {})->token, token);
  EXPECT_EQ(get("a", body).info.token, token);
  ListRequest request;
  request.prefix = prefix;
  const ListPage page = store().list(request, {});
  ASSERT_EQ(page.objects.size(), 1u);
  EXPECT_EQ(page.objects[0].token, token);
}

TEST_P(Objects, LastModifiedOfHeadAndListAgree) {
  put("a", "1");
  ListRequest request;
  request.prefix = prefix;
  const auto listed = store().list(request, {}).objects.at(0).last_modified_ns;
  const auto head = store().head(key("a"), {})->last_modified_ns;
  // A HEAD's Last-Modified has whole seconds on S3.
  EXPECT_LT(std::abs(listed - head), 1'000'000'000);
  EXPECT_GT(head, 1'600'000'000'000'000'000);
}

TEST_P(Objects, RangeReturnsItsBytesAndTheWholeSize) {
  put("a", "0123456789");
  std::string body;
  const GetResult result = get("a", body, ByteRange{3, 4});
  EXPECT_EQ(body, "3456");
  EXPECT_EQ(result.body_bytes, 4u);
  EXPECT_EQ(result.info.size, 10u);
}

TEST_P(Objects, RangeReachesTheLastByte) {
  put("a", "0123456789");
  std::string body;
  get("a", body, ByteRange{9, 1});
  EXPECT_EQ(body, "9");
  get("a", body, ByteRange{0, 10});
  EXPECT_EQ(body, "0123456789");
}

TEST_P(Objects, RangeBehindTheEndIsCutOff) {
  put("a", "0123456789");
  std::string body;
  EXPECT_EQ(get("a", body, ByteRange{8, 100}).outcome, Outcome::kOk);
  EXPECT_EQ(body, "89");
}

TEST_P(Objects, PinnedGetOfAnotherVersionDeliversNothing) {
  const auto old = put("a", "1").token;
  put("a", "2");
  std::string body;
  try {
    EXPECT_EQ(get("a", body, {}, old).outcome, Outcome::kPreconditionFailed);
  } catch (const Error& error) {
    // The store notices what the server did not.
    EXPECT_TRUE(faults().contains("pinned_get")) << error.what();
  }
  EXPECT_EQ(body, "");
}

TEST_P(Objects, PinnedGetOfTheCurrentVersionDelivers) {
  const auto token = put("a", "1").token;
  std::string body;
  EXPECT_EQ(get("a", body, ByteRange{0, 1}, token).outcome, Outcome::kOk);
  EXPECT_EQ(body, "1");
}

TEST_P(Objects, MetadataComesBack) {
  PutRequest request;
  request.key = key("a");
  request.metadata = {{"mtime", "1700000000.123456789"},
                      {"md5chksum", "xMpCOKC5I4INzFCab3WEmw=="}};
  TextSource source("1");
  store().put(request, source, {});
  const auto info = store().head(key("a"), {});
  ASSERT_TRUE(info && info->metadata);
  EXPECT_EQ(info->metadata->at("mtime"), "1700000000.123456789");
  EXPECT_EQ(info->metadata->at("md5chksum"), "xMpCOKC5I4INzFCab3WEmw==");
  StringSink sink;
  GetRequest get_request;
  get_request.key = key("a");
  EXPECT_EQ(store().get(get_request, sink, {}).info.metadata, info->metadata);
}

TEST_P(Objects, MetadataIsReplacedByTheNextPut) {
  PutRequest request;
  request.key = key("a");
  request.metadata = {{"mtime", "1"}};
  TextSource source("1");
  store().put(request, source, {});
  put("a", "2");
  EXPECT_FALSE(
      store().head(key("a"), {})->metadata.value_or(Metadata{}).contains("mtime"));
}

TEST_P(Objects, ListingCarriesMetadataWhereItClaimsTo) {
  CS_REQUIRE_CAPABILITY(metadata_in_listing);
  PutRequest request;
  request.key = key("a");
  request.metadata = {{"mtime", "1"}};
  TextSource source("1");
  store().put(request, source, {});
  ListRequest list;
  list.prefix = prefix;
  const auto info = store().list(list, {}).objects.at(0);
  EXPECT_EQ(info.metadata, request.metadata);
}

TEST_P(Objects, ContentTypeComesBack) {
  PutRequest request;
  request.key = key("a");
  request.content_type = "text/csv";
  TextSource source("1");
  store().put(request, source, {});
  EXPECT_EQ(store().head(key("a"), {})->content_type, "text/csv");
}

TEST_P(Objects, StorageClassComesBack) {
  CS_REQUIRE_STORAGE_CLASS();
  PutRequest request;
  request.key = key("a");
  request.storage_class = tested().storage_class;
  TextSource source("1");
  store().put(request, source, {});
  EXPECT_EQ(store().head(key("a"), {})->storage_class, tested().storage_class);
  ListRequest list;
  list.prefix = prefix;
  EXPECT_EQ(store().list(list, {}).objects.at(0).storage_class, tested().storage_class);
}

TEST_P(Objects, CopyTakesTheStorageClass) {
  CS_REQUIRE_STORAGE_CLASS();
  PutRequest request;
  request.key = key("a");
  request.storage_class = tested().storage_class;
  TextSource source("1");
  store().put(request, source, {});
  store().copy({key("a"), {}, key("b"), {}, 1}, {});
  EXPECT_EQ(store().head(key("b"), {})->storage_class, tested().storage_class);
}

TEST_P(Objects, WrongMd5IsRefusedAndNothingIsStored) {
  PutRequest request;
  request.key = key("a");
  request.md5 = hash::Md5::of(bytes_of("other"));
  expect_refused(request);
}

TEST_P(Objects, WrongCrc64nvmeIsRefusedWhereItIsClaimed) {
  CS_REQUIRE_CAPABILITY(crc64nvme);
  PutRequest request;
  request.key = key("a");
  request.crc64nvme = hash::crc64nvme(bytes_of("1")) ^ 1;
  expect_refused(request);
  *request.crc64nvme ^= 1;
  TextSource source("1");
  EXPECT_EQ(store().put(request, source, {}).outcome, Outcome::kOk);
}

TEST_P(Objects, WrongCrc32cIsRefusedWhereItIsClaimed) {
  CS_REQUIRE_CAPABILITY(crc32c);
  PutRequest request;
  request.key = key("a");
  request.crc32c = hash::crc32c(bytes_of("1")) ^ 1;
  expect_refused(request);
  *request.crc32c ^= 1;
  TextSource source("1");
  EXPECT_EQ(store().put(request, source, {}).outcome, Outcome::kOk);
  const auto info = store().head(key("a"), {});
  if (info->crc32c) {
    EXPECT_EQ(*info->crc32c, hash::crc32c(bytes_of("1")));
  }
}

TEST_P(Objects, WrongChecksumSparesTheObjectThatIsThere) {
  put("a", "before");
  PutRequest request;
  request.key = key("a");
  request.md5 = hash::Md5::of(bytes_of("other"));
  TextSource source("1");
  EXPECT_THROW(store().put(request, source, {}), Error);
  EXPECT_EQ(content("a"), "before");
}

TEST_P(Objects, Md5OfASinglePutIsKnownOrAbsentButNeverWrong) {
  put("a", "1");
  const auto info = store().head(key("a"), {});
  if (const auto md5 = storage::told_md5(*info)) {
    EXPECT_EQ(*md5, hash::Md5::of(bytes_of("1")));
  }
}

TEST_P(Objects, CopyTakesContentMetadataAndType) {
  PutRequest request;
  request.key = key("from");
  request.content_type = "text/csv";
  request.metadata = {{"mtime", "12"}};
  TextSource source("copied");
  const auto token = store().put(request, source, {}).token;
  const PutResult result =
      store().copy({key("from"), token, key("deep/er/to"), {}, 6}, {});
  EXPECT_EQ(result.outcome, Outcome::kOk);
  EXPECT_EQ(content("deep/er/to"), "copied");
  const auto info = store().head(key("deep/er/to"), {});
  EXPECT_EQ(info->metadata->at("mtime"), "12");
  EXPECT_EQ(info->content_type, "text/csv");
  EXPECT_EQ(info->token, result.token);
}

TEST_P(Objects, CopyOfAnAbsentSourceIsNotFound) {
  const CopyRequest request{key("absent"), {}, key("to"), {}, 0};
  EXPECT_EQ(store().copy(request, {}).outcome, Outcome::kNotFound);
  EXPECT_FALSE(store().head(key("to"), {}));
}

TEST_P(Objects, RemoveManyAnswersEachKeyInOrder) {
  CS_REQUIRE_CAPABILITY(batch_delete_limit > 1);
  put("a", "1");
  put("b/c", "2");
  put("keep", "3");
  const std::vector<DeleteRequest> requests{
      {key("b/c"), {}}, {key("absent"), {}}, {key("a"), {}}};
  const auto results = store().remove_many(requests, {});
  ASSERT_EQ(results.size(), 3u);
  for (const auto& result : results) {
    EXPECT_EQ(result.outcome, Outcome::kOk);
    EXPECT_FALSE(result.error);
  }
  EXPECT_EQ(names(), std::vector<std::string>{"keep"});
}

TEST_P(Objects, OddKeysKeepTheirBytes) {
  const std::vector<std::string> odd{"with space",
                                     "a+b",
                                     "100%",
                                     "%20",
                                     "q?x=1&y",
                                     "#hash",
                                     "semi;colon",
                                     "quote\"'",
                                     "~tilde",
                                     "umlaut-\xC3\xA4",
                                     "astral-\xF0\x9F\x98\x80",
                                     "e\xCC\x81",
                                     "(par)[br]{cu}",
                                     "star*",
                                     "=,:@$!"};
  for (const auto& name : odd) put(name, name);
  for (const auto& name : odd) EXPECT_EQ(content(name), name);
  EXPECT_EQ(names(), ordered(odd));
}

// Names that would leave a folder or vanish in a path.
TEST_P(Objects, DotSegmentsAreKeptOrRefusedButNeverResolved) {
  put("sibling", "safe");
  put("here", "safe");
  for (const std::string name :
       {"../outside", "in/../sibling", "./here", "in/./x", "in/..", "..", "."}) {
    expect_kept_or_refused(name);
  }
  EXPECT_EQ(content("sibling"), "safe");
  EXPECT_EQ(content("here"), "safe");
  EXPECT_FALSE(store().head({"outside"}, {}));
}

TEST_P(Objects, UnsafeNamesAreKeptOrRefusedButNeverChanged) {
  put("absolute", "safe");
  for (const std::string name : {"a//b", "/absolute", "tail/", "back\\slash", "tab\there",
                                 "del\x7F", "new\nline", "\xC2\x85next"}) {
    expect_kept_or_refused(name);
  }
  EXPECT_EQ(content("absolute"), "safe");
  EXPECT_FALSE(store().head({"absolute"}, {}));
}

TEST_P(Objects, LongestKeyIsAnOrdinaryObject) {
  const std::string long_name =
      std::string(200, 'a') + "/" + std::string(200, 'b') + "/" + std::string(200, 'c');
  EXPECT_EQ(put(long_name, "1").outcome, Outcome::kOk);
  EXPECT_EQ(content(long_name), "1");
  EXPECT_EQ(names(), std::vector<std::string>{long_name});
}

TEST_P(Objects, CancelledContextEndsEveryCallWithKCancelled) {
  std::stop_source stop;
  stop.request_stop();
  CallContext context;
  context.stop = stop.get_token();
  TextSource source("1");
  PutRequest request;
  request.key = key("a");
  StringSink sink;
  const auto expect_cancelled = [](const auto& call) {
    try {
      call();
      ADD_FAILURE() << "the call did not notice the stop";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCancelled) << error.what();
    }
  };
  expect_cancelled([&] { store().put(request, source, context); });
  expect_cancelled([&] { store().get({key("a"), {}, {}, ""}, sink, context); });
  expect_cancelled([&] { store().head(key("a"), context); });
  expect_cancelled([&] { store().list({}, context); });
  expect_cancelled([&] { store().remove({key("a"), {}}, context); });
  EXPECT_FALSE(store().head(key("a"), {}));
}

TEST_P(Objects, DescribedBucketExists) {
  EXPECT_TRUE(store().describe_bucket({}).exists);
}

TEST_P(Objects, AbsentBucketIsNotFoundByItsName) {
  if (!tested().without_bucket) GTEST_SKIP() << "the store has no buckets";
  ObjectStore& absent = *tested().without_bucket;
  EXPECT_FALSE(absent.describe_bucket({}).exists);
  const auto expect_named = [](const auto& call) {
    try {
      call();
      ADD_FAILURE() << "the bucket's absence was not noticed";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kNotFound) << error.what();
      EXPECT_NE(std::string(error.what()).find("no-such-bucket"), std::string::npos)
          << error.what();
    }
  };
  expect_named([&] { absent.list({}, {}); });
  expect_named([&] {
    PutRequest request;
    request.key = {"a"};
    TextSource source("1");
    absent.put(request, source, {});
  });
}

TEST_P(Objects, EightThreadsUseOneStoreAtOnce) {
  const bool keeps_folder = faults().contains("emptied_folders");
  if (keeps_folder) put("folder", "stays");
  in_eight_threads([this](int i) {
    for (int n = 0; n < 10; ++n) {
      const std::string name = "t" + std::to_string(i) + "/" + std::to_string(n);
      put(name, name);
      EXPECT_EQ(content(name), name);
      store().remove({key(name), {}}, {});
    }
  });
  if (keeps_folder) store().remove({key("folder"), {}}, {});
  EXPECT_TRUE(names().empty());
}

}  // namespace
}  // namespace cloudsync::conformance

// SPDX-License-Identifier: Apache-2.0
#include "storage/gcs/gcs_requests.h"

#include "storage/gcs/gcs_body.h"
#include "storage/gcs/gcs_test_bench.h"
#include "storage/gcs/gcs_values.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <nlohmann/json.hpp>

namespace cloudsync::storage::gcs {
namespace {

using ::testing::Contains;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::Pair;
using testing::source_of;

class GcsRequests : public ::testing::Test {
 protected:
  GcsRequests() { config_.bucket = "bucket"; }
  GcsConfig config_;
  RequestBuilder build_{config_};
};

TEST_F(GcsRequests, ANameIsOneSegmentOfThePath) {
  EXPECT_EQ(build_.head({"a/b c+ü%"}).path,
            "/storage/v1/b/bucket/o/a%2Fb%20c%2B%C3%BC%25");
}

TEST_F(GcsRequests, NamesTheServiceForbidsAreNotSent) {
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."), std::string("a\nb"),
        std::string("\xFF"), std::string(1025, 'a'),
        std::string(".well-known/acme-challenge/x")}) {
    EXPECT_EQ(error_of([&] { build_.head({name}); }).code(), ErrorCode::kInvalidArgument);
  }
  EXPECT_NO_THROW(build_.head({std::string(1024, 'a')}));
}

TEST_F(GcsRequests, AListingAsksForTheFieldsAndBillsTheProject) {
  config_.user_project = "payer";
  const GcsRequest request = build_.list({"p/", "p/a", "/", "TOKEN", 5000});
  EXPECT_THAT(request.query, Contains(Pair("prefix", "p/")));
  EXPECT_THAT(request.query, Contains(Pair("startOffset", "p/a")));
  EXPECT_THAT(request.query, Contains(Pair("delimiter", "/")));
  EXPECT_THAT(request.query, Contains(Pair("pageToken", "TOKEN")));
  EXPECT_THAT(request.query, Contains(Pair("maxResults", "1000")));
  EXPECT_THAT(request.query, Contains(Pair("userProject", "payer")));
  EXPECT_THAT(request.query,
              Contains(Pair("fields", HasSubstr("nextPageToken,prefixes,items(name"))));
}

TEST_F(GcsRequests, APutCarriesResourceHashesAndCondition) {
  PutRequest request;
  request.key = {"k"};
  request.condition.if_match = VersionToken{"1700000000000001"};
  request.md5 = testing::md5_of("hello");
  request.crc32c = hash::crc32c(std::as_bytes(std::span("hello", 5)));
  request.content_type = "text/plain";
  request.storage_class = "nearline";
  request.metadata = {{"mtime", "2023-11-14T22:13:20Z"}};
  const EnvelopedRequest built = build_.put(request, "B");
  EXPECT_THAT(built.request.query, Contains(Pair("uploadType", "multipart")));
  EXPECT_THAT(built.request.query,
              Contains(Pair("ifGenerationMatch", "1700000000000001")));
  const std::size_t begin = built.before.find('{');
  const auto resource = nlohmann::json::parse(
      built.before.substr(begin, built.before.find("\r\n--B", begin) - begin));
  EXPECT_EQ(resource["name"], "k");
  EXPECT_EQ(resource["md5Hash"], "XUFAKrxLKna5cZ2REBfFkg==");
  EXPECT_EQ(resource["crc32c"], "mnG7TA==");
  EXPECT_EQ(resource["storageClass"], "NEARLINE");
  EXPECT_EQ(resource["metadata"]["mtime"], "2023-11-14T22:13:20Z");
  EXPECT_THAT(built.before, HasSubstr("\r\n--B\r\nContent-Type: text/plain\r\n\r\n"));
  EXPECT_EQ(built.after, "\r\n--B--\r\n");
}

TEST_F(GcsRequests, AnUnknownStorageClassOfAWriteIsRefused) {
  PutRequest request;
  request.key = {"k"};
  request.storage_class = "cool";
  EXPECT_EQ(error_of([&] { build_.put(request, "B"); }).code(),
            ErrorCode::kInvalidArgument);
}

TEST_F(GcsRequests, AContentTypeCannotBreakTheEnvelope) {
  PutRequest request;
  request.key = {"k"};
  request.content_type = "text/plain\r\n\r\nevil";
  EXPECT_EQ(error_of([&] { build_.put(request, "B"); }).code(),
            ErrorCode::kInvalidArgument);
}

TEST_F(GcsRequests, MetadataThatIsNotTextIsRefused) {
  PutRequest request;
  request.key = {"k"};
  request.metadata = {{"name", "\xFF"}};
  EXPECT_EQ(error_of([&] { build_.put(request, "B"); }).code(),
            ErrorCode::kInvalidArgument);
}

TEST_F(GcsRequests, ATokenOfAnotherKindNeverBecomesCreateIfAbsent) {
  for (const std::string token : {"0", "00000000000000000000000000000000", "etag", "",
                                  "-1", "9223372036854775808"}) {
    const GcsRequest request = build_.remove({{"k"}, VersionToken{token}});
    EXPECT_THAT(request.query, Contains(Pair("ifGenerationMatch", "9223372036854775807")))
        << token;
  }
}

TEST_F(GcsRequests, TwoConditionsAtOnceAreRefused) {
  EXPECT_EQ(error_of([] { generation_condition({VersionToken{"1"}, true}); }).code(),
            ErrorCode::kInvalidArgument);
}

TEST_F(GcsRequests, ADownloadIsPinnedAndAsStored) {
  GetRequest request;
  request.key = {"k"};
  request.range = ByteRange{10, 5};
  request.if_match = VersionToken{"17"};
  const GcsRequest built = build_.get(request);
  EXPECT_THAT(built.query, Contains(Pair("alt", "media")));
  EXPECT_THAT(built.query, Contains(Pair("ifGenerationMatch", "17")));
  EXPECT_THAT(built.headers, Contains(Pair("accept-encoding", "gzip")));
  EXPECT_THAT(built.headers, Contains(Pair("range", "bytes=10-14")));
}

TEST_F(GcsRequests, OnlyTheLastChunkTellsTheTotal) {
  const SessionId session{262144, 262149, "", "https://storage.googleapis.com/u"};
  const auto header = [&](const Chunk& chunk) {
    return build_.send_chunk({"k"}, session, chunk).headers;
  };
  EXPECT_THAT(header({0, 262144, false, "md5=x"}),
              ::testing::ElementsAre(Pair("content-range", "bytes 0-262143/*")));
  EXPECT_THAT(header({262144, 262149, true, "md5=x"}),
              ::testing::ElementsAre(Pair("content-range", "bytes 262144-262148/262149"),
                                     Pair("x-goog-hash", "md5=x")));
  EXPECT_THAT(header({262149, 262149, true, ""}),
              ::testing::ElementsAre(Pair("content-range", "bytes */262149")));
}

TEST_F(GcsRequests, ASessionTakesConditionAndPropertiesAtItsBeginning) {
  BeginUploadRequest request;
  request.key = {"dir/k"};
  request.condition.if_absent = true;
  request.size = 100;
  request.content_type = "text/plain";
  request.storage_class = "COLDLINE";
  const GcsRequest built = build_.begin_session(request);
  EXPECT_THAT(built.query, Contains(Pair("ifGenerationMatch", "0")));
  EXPECT_THAT(built.query, Contains(Pair("name", "dir/k")));
  EXPECT_THAT(built.headers, Contains(Pair("x-upload-content-length", "100")));
  EXPECT_THAT(built.headers, Contains(Pair("x-upload-content-type", "text/plain")));
  EXPECT_EQ(nlohmann::json::parse(built.text)["storageClass"], "COLDLINE");
}

TEST(GcsValues, CrcIsFourBytesHighestFirst) {
  EXPECT_EQ(crc32c_text(0x9A71BB4C), "mnG7TA==");
  EXPECT_EQ(parse_crc32c("mnG7TA=="), 0x9A71BB4CU);
  EXPECT_EQ(parse_crc32c("mnG7"), std::nullopt);
  EXPECT_EQ(parse_md5("mnG7TA=="), std::nullopt);
  EXPECT_EQ(parse_number("18446744073709551616"), std::nullopt);
  EXPECT_EQ(parse_number("1x"), std::nullopt);
  EXPECT_EQ(parse_number(""), std::nullopt);
}

std::string read_by(ByteSource& source, std::size_t step) {
  std::string out;
  std::vector<std::byte> buffer(step);
  while (const std::size_t n = source.read(buffer))
    out.append(reinterpret_cast<const char*>(buffer.data()), n);
  return out;
}

RC_GTEST_PROP(GcsBody, AnEnvelopeGivesTheSameBytesAtAnyStepAndAgainAfterARewind,
              (const std::string& before, const std::string& content,
               const std::string& after)) {
  const auto step = *rc::gen::inRange<std::size_t>(1, 40);
  MemorySource source = source_of(content);
  CheckedSource checked(source);
  EnvelopedSource enveloped(before, checked, after);
  RC_ASSERT(read_by(enveloped, step) == before + content + after);
  RC_ASSERT(checked.crc32c() == hash::crc32c(std::as_bytes(std::span(content))));
  enveloped.rewind();
  RC_ASSERT(read_by(enveloped, step + 1) == before + content + after);
  RC_ASSERT(enveloped.size() == before.size() + content.size() + after.size());
}

RC_GTEST_PROP(GcsBody, ACheckedSourceCanGoOnAnywhere, (const std::string& content)) {
  MemorySource source = source_of(content);
  CheckedSource checked(source);
  for (int i = 0; i < 3; ++i) {
    const auto from = *rc::gen::inRange<std::size_t>(0, content.size() + 1);
    checked.start_at(from);
    RC_ASSERT(checked.size() == content.size() - from);
    RC_ASSERT(read_by(checked, 7) == content.substr(from));
    checked.rewind();
    RC_ASSERT(read_by(checked, 5) == content.substr(from));
    RC_ASSERT(checked.crc32c() == hash::crc32c(std::as_bytes(std::span(content))));
  }
}

}  // namespace
}  // namespace cloudsync::storage::gcs

// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/s3_requests.h"

#include "storage/s3/s3_test_bench.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cloudsync::storage::s3 {
namespace {

using ::testing::Contains;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;

RequestBuilder builder(void (*change)(Capabilities&) = [](Capabilities&) {}) {
  RequestDefaults defaults{"bucket", "", {}};
  defaults.capabilities.conditional_batch_delete = true;
  change(defaults.capabilities);
  return RequestBuilder(defaults);
}

TEST(S3Requests, PutCarriesConditionChecksumsAndMetadata) {
  PutRequest put;
  put.key = {"a b/ä"};
  put.condition.if_match = VersionToken{"abc-2"};
  put.md5 = Md5Digest{0xd4, 0x1d, 0x8c, 0xd9, 0x8f, 0x00, 0xb2, 0x04,
                      0xe9, 0x80, 0x09, 0x98, 0xec, 0xf8, 0x42, 0x7e};
  put.crc64nvme = 0x0102030405060708;
  put.content_type = "text/plain";
  put.storage_class = "STANDARD_IA";
  put.metadata = {{"mtime", "1700000000.5"}};
  const S3Request out = builder().put(put);
  EXPECT_THAT(out.headers, Contains(Pair("if-match", "\"abc-2\"")));
  EXPECT_THAT(out.headers, Contains(Pair("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==")));
  EXPECT_THAT(out.headers, Contains(Pair("x-amz-checksum-crc64nvme", "AQIDBAUGBwg=")));
  EXPECT_THAT(out.headers, Contains(Pair("content-type", "text/plain")));
  EXPECT_THAT(out.headers, Contains(Pair("x-amz-storage-class", "STANDARD_IA")));
  EXPECT_THAT(out.headers, Contains(Pair("x-amz-meta-mtime", "1700000000.5")));
}

TEST(S3Requests, WritesCarryWhatAnOwnerGave) {
  const auto expect_all = [](const S3Request& out) {
    EXPECT_THAT(out.headers, Contains(Pair("cache-control", "max-age=60")));
    EXPECT_THAT(out.headers, Contains(Pair("content-disposition", "inline")));
    EXPECT_THAT(out.headers, Contains(Pair("content-language", "de")));
    EXPECT_THAT(out.headers, Contains(Pair("x-amz-tagging", "a=1%262&b=")));
  };
  PutRequest put;
  put.key = {"k"};
  EXPECT_THAT(builder().put(put).headers, Not(Contains(Key("x-amz-tagging"))));
  EXPECT_THAT(builder().put(put).headers, Not(Contains(Key("cache-control"))));
  put.served = {"max-age=60", "inline", "de"};
  put.tags = {{"a", "1&2"}, {"b", ""}};
  expect_all(builder().put(put));
  BeginUploadRequest begin;
  begin.key = put.key;
  begin.served = put.served;
  begin.tags = put.tags;
  expect_all(builder().begin_upload(begin));
  put.served.cache_control = "\xC3\xA4";
  EXPECT_EQ(error_of([&] { builder().put(put); }).code(), ErrorCode::kInvalidArgument);
}

TEST(S3Requests, CreateOnlyPutSendsIfNoneMatch) {
  PutRequest put;
  put.key = {"k"};
  put.condition.if_absent = true;
  EXPECT_THAT(builder().put(put).headers, Contains(Pair("if-none-match", "*")));
  put.condition.if_match = VersionToken{"x"};
  EXPECT_EQ(error_of([&] { builder().put(put); }).code(), ErrorCode::kInvalidArgument);
}

TEST(S3Requests, TheConfiguredStorageClassIsTheDefault) {
  const RequestBuilder build(RequestDefaults{"bucket", "GLACIER_IR", {}});
  PutRequest put;
  put.key = {"k"};
  EXPECT_THAT(build.put(put).headers,
              Contains(Pair("x-amz-storage-class", "GLACIER_IR")));
}

TEST(S3Requests, AnEmptyKeyNeverBecomesABucketOperation) {
  EXPECT_EQ(error_of([] { builder().remove({{""}, {}}); }).code(),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(error_of([] { builder().put({}); }).code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(error_of([] { builder().head({""}); }).code(), ErrorCode::kInvalidArgument);
}

TEST(S3Requests, AnAbortWithoutAnUploadNeverBecomesADelete) {
  EXPECT_EQ(error_of([] { builder().abort_upload({"k"}, {""}); }).code(),
            ErrorCode::kInvalidArgument);
}

TEST(S3Requests, MetadataThatHeadersCannotCarryIsRefused) {
  for (const Metadata& bad :
       {Metadata{{"name", "Bücher"}}, Metadata{{"name", "a\r\nx: y"}},
        Metadata{{"Na me", "x"}}, Metadata{{"", "x"}}}) {
    PutRequest put;
    put.key = {"k"};
    put.metadata = bad;
    EXPECT_EQ(error_of([&] { builder().put(put); }).code(), ErrorCode::kInvalidArgument);
  }
}

TEST(S3Requests, ListAsksForEncodedKeysAndGoesOnByToken) {
  ListRequest list;
  list.prefix = "p/";
  list.start_after = "p/x";
  list.delimiter = "/";
  list.max_keys = 7;
  const S3Request first = builder().list(list);
  EXPECT_THAT(first.query, Contains(Pair("encoding-type", "url")));
  EXPECT_THAT(first.query, Contains(Pair("start-after", "p/x")));
  EXPECT_THAT(first.query, Contains(Pair("delimiter", "/")));
  EXPECT_THAT(first.query, Contains(Pair("max-keys", "7")));
  list.page_token = "next==";
  const S3Request second = builder().list(list);
  EXPECT_THAT(second.query, Contains(Pair("continuation-token", "next==")));
  EXPECT_THAT(second.query, Not(Contains(Key("start-after"))));
}

TEST(S3Requests, GetNamesRangeVersionAndToken) {
  GetRequest get;
  get.key = {"k"};
  get.range = ByteRange{10, 5};
  get.if_match = VersionToken{"e"};
  get.version_id = "v1";
  const S3Request out = builder().get(get);
  EXPECT_THAT(out.headers, Contains(Pair("range", "bytes=10-14")));
  EXPECT_THAT(out.headers, Contains(Pair("if-match", "\"e\"")));
  EXPECT_THAT(out.query, Contains(Pair("versionId", "v1")));
}

TEST(S3Requests, ConditionsAreSentOnlyWhereTheServerHonoursThem) {
  const DeleteRequest one{{"k"}, VersionToken{"e"}};
  const std::vector<const DeleteRequest*> batch = {&one};
  const RequestBuilder none = builder([](Capabilities& c) {
    c.conditional_delete = false;
    c.conditional_batch_delete = false;
  });
  EXPECT_THAT(builder().remove(one).headers, Contains(Pair("if-match", "\"e\"")));
  EXPECT_THAT(none.remove(one).headers, Not(Contains(Key("if-match"))));
  EXPECT_THAT(builder().remove_many(batch).xml, HasSubstr("<ETag>&quot;e&quot;</ETag>"));
  EXPECT_THAT(none.remove_many(batch).xml, Not(HasSubstr("ETag")));
}

TEST(S3Requests, BatchDeleteEscapesKeysAndCarriesItsMd5) {
  const DeleteRequest one{{"a<&>\"b\r"}, {}};
  const S3Request out = builder().remove_many(std::vector{&one});
  EXPECT_THAT(out.xml, HasSubstr("<Key>a&lt;&amp;&gt;&quot;b&#xD;</Key>"));
  EXPECT_THAT(out.xml, HasSubstr("<Quiet>false</Quiet>"));
  EXPECT_THAT(out.headers, Contains(Key("content-md5")));
}

TEST(S3Requests, ABatchBeyondTheLimitIsRefused) {
  const DeleteRequest one{{"k"}, {}};
  const std::vector<const DeleteRequest*> batch(1001, &one);
  EXPECT_EQ(error_of([&] { builder().remove_many(batch); }).code(),
            ErrorCode::kInvalidArgument);
}

TEST(S3Requests, CopyEncodesItsSourceAndKeepsTheClass) {
  CopyRequest copy;
  copy.source = {"a b/+ü"};
  copy.destination = {"d"};
  copy.source_if_match = VersionToken{"e"};
  copy.condition.if_absent = true;
  const S3Request out = builder().copy(copy, "STANDARD_IA");
  EXPECT_THAT(out.headers, Contains(Pair("x-amz-copy-source", "bucket/a%20b/%2B%C3%BC")));
  EXPECT_THAT(out.headers, Contains(Pair("x-amz-copy-source-if-match", "\"e\"")));
  EXPECT_THAT(out.headers, Contains(Pair("x-amz-storage-class", "STANDARD_IA")));
  EXPECT_THAT(out.headers, Not(Contains(Key("if-none-match"))));
  const RequestBuilder able =
      builder([](Capabilities& c) { c.conditional_copy_destination = true; });
  EXPECT_THAT(able.copy(copy, "").headers, Contains(Pair("if-none-match", "*")));
}

TEST(S3Requests, CompleteListsPartsAndCarriesTheWholeChecksum) {
  CompleteRequest complete;
  complete.key = {"k"};
  complete.upload = {"u"};
  complete.parts = {{1, 5, "e1", 7}, {2, 5, "e2", {}}};
  complete.condition.if_absent = true;
  complete.size = 10;
  complete.crc64nvme = 1;
  const RequestBuilder able = builder([](Capabilities& c) { c.crc64nvme = true; });
  const S3Request out = able.complete_upload(complete);
  EXPECT_THAT(
      out.xml,
      HasSubstr("<Part><PartNumber>1</PartNumber><ETag>&quot;e1&quot;</ETag>"
                "<ChecksumCRC64NVME>AAAAAAAAAAc=</ChecksumCRC64NVME></Part>"
                "<Part><PartNumber>2</PartNumber><ETag>&quot;e2&quot;</ETag></Part>"));
  EXPECT_THAT(out.headers, Contains(Pair("x-amz-checksum-crc64nvme", "AAAAAAAAAAE=")));
  EXPECT_THAT(out.headers, Contains(Pair("x-amz-checksum-type", "FULL_OBJECT")));
  EXPECT_THAT(out.headers, Contains(Pair("if-none-match", "*")));
  EXPECT_THAT(out.headers, Contains(Pair("x-amz-mp-object-size", "10")));
  EXPECT_EQ(out.stall_seconds, 300);
  const S3Request plain = builder().complete_upload(complete);
  EXPECT_THAT(plain.xml, Not(HasSubstr("Checksum")));
  EXPECT_THAT(plain.headers, Not(Contains(Key("x-amz-checksum-crc64nvme"))));
}

TEST(S3Requests, BeginNamesTheChecksumOnlyWhereItIsKnown) {
  BeginUploadRequest begin;
  begin.key = {"k"};
  EXPECT_THAT(builder().begin_upload(begin).headers,
              Not(Contains(Key("x-amz-checksum-algorithm"))));
  const RequestBuilder able = builder([](Capabilities& c) { c.crc64nvme = true; });
  EXPECT_THAT(able.begin_upload(begin).headers,
              Contains(Pair("x-amz-checksum-algorithm", "CRC64NVME")));
  EXPECT_THAT(able.begin_upload(begin).headers,
              Contains(Pair("x-amz-checksum-type", "FULL_OBJECT")));
}

TEST(S3Requests, XmlTextExcludesWhatXmlCannotCarry) {
  EXPECT_TRUE(is_xml_text("a/ü\t\n"));
  EXPECT_FALSE(is_xml_text("a\x01"));
  EXPECT_FALSE(is_xml_text("a\xff"));
  EXPECT_FALSE(is_xml_text("\xEF\xBF\xBF"));
}

TEST(S3Requests, KeysThatAServerMayResolveAreWrittenToAwsOnly) {
  const RequestBuilder other = builder([](Capabilities& c) { c.declared = false; });
  for (const char* name :
       {"../a", "a/../b", "./a", "a/./b", "a//b", "/a", "..", ".", "a/.", "a//"}) {
    PutRequest put;
    put.key = {name};
    EXPECT_NO_THROW(builder().put(put)) << name;
    EXPECT_EQ(error_of([&] { other.put(put); }).code(), ErrorCode::kInvalidArgument)
        << name;
    EXPECT_EQ(error_of([&] { other.remove({{name}, {}}); }).code(),
              ErrorCode::kInvalidArgument);
    EXPECT_EQ(error_of([&] { other.copy({{"s"}, {}, {name}, {}, 0}, ""); }).code(),
              ErrorCode::kInvalidArgument);
    BeginUploadRequest begin;
    begin.key = {name};
    EXPECT_EQ(error_of([&] { other.begin_upload(begin); }).code(),
              ErrorCode::kInvalidArgument);
    EXPECT_NO_THROW(other.head({name}));
  }
  for (const char* name : {"a", "a/b", "a/", "...", ".a/b..", "a/..b"}) {
    PutRequest put;
    put.key = {name};
    EXPECT_NO_THROW(other.put(put)) << name;
  }
}

}  // namespace
}  // namespace cloudsync::storage::s3

// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/s3_responses.h"

#include "base/time_format.h"
#include "storage/s3/s3_headers.h"
#include "storage/s3/s3_test_bench.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace cloudsync::storage::s3 {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using testing::kEtag;
using ::testing::Pair;

std::string listing(const std::string& inside, const std::string& truncated = "false") {
  return "<?xml version=\"1.0\"?><ListBucketResult "
         "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><IsTruncated>" +
         truncated + "</IsTruncated>" + inside + "</ListBucketResult>";
}

std::string contents(const std::string& key, const std::string& extra = "",
                     const std::string& etag = kEtag) {
  return "<Contents><Key>" + key +
         "</Key><LastModified>2023-07-22T04:26:40.123Z</LastModified><ETag>&quot;" +
         etag + "&quot;</ETag><Size>5</Size>" + extra + "</Contents>";
}

ListPage list_of(const std::string& body, const std::string& prefix = "",
                 bool prefix_promised = false) {
  return parse_list(body, prefix, prefix_promised);
}

ErrorCode code_of_list(const std::string& body) {
  return error_of([&] { list_of(body); }).code();
}

TEST(S3Responses, ListGivesKeysTokensAndTimes) {
  const ListPage page = list_of(listing(contents("a") + contents("b", "", "0123-2")));
  ASSERT_EQ(page.objects.size(), 2U);
  const ObjectInfo& a = page.objects[0];
  EXPECT_EQ(a.key.value, "a");
  EXPECT_EQ(a.size, 5U);
  EXPECT_EQ(a.token.value, kEtag);
  EXPECT_TRUE(a.md5_candidate.has_value());
  EXPECT_FALSE(a.md5.has_value());
  EXPECT_EQ(a.last_modified_ns, 1'690'000'000'123'000'000);
  EXPECT_FALSE(a.metadata.has_value());
  EXPECT_FALSE(page.objects[1].md5_candidate.has_value());
  EXPECT_EQ(page.next_page_token, "");
}

TEST(S3Responses, KeysAreDecodedOnlyWhenTheServerSaysTheyAreEncoded) {
  const std::string encoded = "<EncodingType>url</EncodingType>";
  const std::string prefix = "<CommonPrefixes><Prefix>p%2Bq+r/</Prefix></CommonPrefixes>";
  const ListPage yes = list_of(listing(encoded + contents("a+b%2Bc%01%C3%BC") + prefix));
  EXPECT_EQ(yes.objects[0].key.value, "a b+c\x01\xC3\xBC");
  EXPECT_THAT(yes.common_prefixes, ElementsAre("p+q r/"));
  EXPECT_EQ(list_of(listing(contents("a+b%2B"))).objects[0].key.value, "a+b%2B");
}

TEST(S3Responses, ArchivedObjectsAreMarkedUnlessRestored) {
  const auto archived = [](const std::string& extra) {
    return list_of(listing(contents("a", extra))).objects[0].archived;
  };
  const std::string glacier = "<StorageClass>GLACIER</StorageClass>";
  EXPECT_TRUE(archived(glacier));
  EXPECT_TRUE(archived("<StorageClass>DEEP_ARCHIVE</StorageClass>"));
  EXPECT_FALSE(archived("<StorageClass>GLACIER_IR</StorageClass>"));
  EXPECT_TRUE(archived(glacier + "<RestoreStatus><IsRestoreInProgress>true"
                                 "</IsRestoreInProgress></RestoreStatus>"));
  EXPECT_FALSE(archived(glacier +
                        "<RestoreStatus><IsRestoreInProgress>false"
                        "</IsRestoreInProgress><RestoreExpiryDate>"
                        "2030-01-01T00:00:00Z</RestoreExpiryDate></RestoreStatus>"));
}

TEST(S3Responses, AnAnswerThatIsNotAWholeListingNeverLooksLikeAShortOne) {
  const std::string whole = listing(contents("a") + contents("b"));
  for (std::size_t length = 0; length < whole.size(); length += 7) {
    EXPECT_EQ(code_of_list(whole.substr(0, length)), ErrorCode::kUnavailable) << length;
  }
  EXPECT_EQ(code_of_list("<html></html>"), ErrorCode::kUnavailable);
  EXPECT_EQ(code_of_list("<ListBucketResult></ListBucketResult>"),
            ErrorCode::kUnavailable);
  EXPECT_EQ(code_of_list(listing("", "true")), ErrorCode::kUnavailable);
  EXPECT_EQ(code_of_list(listing("<Contents><Key>a</Key></Contents>")),
            ErrorCode::kUnavailable);
  EXPECT_EQ(code_of_list(listing(contents("a", "", ""))), ErrorCode::kUnavailable);
}

TEST(S3Responses, AbsurdNumbersAndNestingAreNotRead) {
  const auto sized = [](const std::string& size) {
    std::string object = contents("a");
    return object.replace(object.find("<Size>5"), 7, "<Size>" + size);
  };
  EXPECT_EQ(list_of(listing(sized("9223372036854775807"))).objects.size(), 1U);
  for (const char* size : {"9223372036854775808", "18446744073709551616", "-1", ""}) {
    EXPECT_EQ(code_of_list(listing(sized(size))), ErrorCode::kUnavailable) << size;
  }
  for (const char* year : {"0000", "10000"}) {
    std::string object = contents("a");
    object.replace(object.find("2023"), 4, year);
    EXPECT_EQ(code_of_list(listing(object)), ErrorCode::kUnavailable) << year;
  }
  std::string far = contents("a");
  far.replace(far.find("2023"), 4, "9999");
  EXPECT_EQ(list_of(listing(far)).objects.at(0).last_modified_ns,
            std::numeric_limits<std::int64_t>::max());
  std::string nested;
  for (int i = 0; i < 100; ++i) nested = "<a>" + nested + "</a>";
  EXPECT_EQ(code_of_list(listing(nested)), ErrorCode::kUnavailable);
}

TEST(S3Responses, AListingNamesThePrefixThatWasAskedFor) {
  const auto accepted = [](const std::string& inside, bool promised) {
    try {
      list_of(listing(inside), "d +/", promised);
      return true;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
      return false;
    }
  };
  const std::string encoded = "<EncodingType>url</EncodingType>";
  for (const bool promised : {false, true}) {
    EXPECT_TRUE(accepted("<Prefix>d +/</Prefix>", promised));
    EXPECT_TRUE(accepted(encoded + "<Prefix>d+%2B/</Prefix>", promised));
    EXPECT_TRUE(accepted(encoded + "<Prefix>d%20%2B%2F</Prefix>", promised));
    EXPECT_TRUE(accepted(encoded + "<Prefix>d +/</Prefix>", promised));
    EXPECT_FALSE(accepted("<Prefix>d+%2B/</Prefix>", promised));
    EXPECT_FALSE(accepted("<Prefix>other/</Prefix>", promised));
    EXPECT_FALSE(accepted("<Prefix/>", promised));
    EXPECT_EQ(accepted("", promised), !promised);
  }
}

TEST(S3Responses, TruncatedListingNamesItsNextPage) {
  const std::string next = "<NextContinuationToken>1/x==</NextContinuationToken>";
  EXPECT_EQ(list_of(listing(contents("a") + next, "true")).next_page_token, "1/x==");
}

TEST(S3Responses, DeleteResultKeepsEachKeysOwnFailure) {
  const auto keys = parse_deleted(
      "<DeleteResult><Deleted><Key>a</Key></Deleted><Error><Key> </Key>"
      "<Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>");
  ASSERT_EQ(keys.size(), 2U);
  EXPECT_FALSE(keys[0].failure.has_value());
  EXPECT_EQ(keys[1].key, " ");
  EXPECT_EQ(keys[1].failure->code, "AccessDenied");
}

TEST(S3Responses, ErrorDocumentsAreRecognisedWhateverStandsBeforeThem) {
  EXPECT_TRUE(
      is_error_document("<?xml version=\"1.0\"?>\n\n  <Error><Code>x</Code></Error>"));
  EXPECT_TRUE(is_error_document("   \n<Error>"));
  EXPECT_FALSE(is_error_document("<ErrorReport/>"));
  EXPECT_FALSE(is_error_document("<?xml"));
  EXPECT_FALSE(is_error_document(""));
}

// rclone serve s3, moto and others call their roots as they like.
TEST(S3Responses, AnswersAreReadByWhatTheyContain) {
  EXPECT_EQ(parse_upload_id("<Odd><UploadId>u</UploadId></Odd>").value, "u");
  EXPECT_EQ(parse_written_object("<Odd><ETag>&quot;e&quot;</ETag></Odd>").etag, "e");
  EXPECT_TRUE(parse_versioning_enabled("<Odd><Status>Enabled</Status></Odd>"));
  EXPECT_FALSE(parse_versioning_enabled("<VersioningConfiguration/>"));
  const auto keys = parse_deleted("<Odd><Deleted><Key>a</Key></Deleted></Odd>");
  ASSERT_EQ(keys.size(), 1U);
  EXPECT_EQ(keys[0].key, "a");
}

TEST(S3Responses, WhatContainsNothingOfItIsUnreadableAndNotRepeated) {
  for (const char* body : {"", "<html><body>ok</body></html>", "{}", "<Odd>"}) {
    for (const Error& error : {error_of([&] { parse_upload_id(body); }),
                               error_of([&] { parse_written_object(body); }),
                               error_of([&] { parse_versioning_enabled(body); })}) {
      EXPECT_EQ(error.code(), ErrorCode::kUnavailable) << body;
      EXPECT_FALSE(error.retryable()) << body;
    }
  }
}

TEST(S3Responses, TheVersionBelowADeleteMarkerIsFoundInAnyOrder) {
  const std::string marker =
      "<DeleteMarker><Key>k</Key><IsLatest>true</IsLatest></DeleteMarker>";
  const std::string versions =
      "<Version><Key>k2</Key><ETag>\"x\"</ETag></Version>"
      "<Version><Key>k</Key><ETag>\"new\"</ETag></Version>"
      "<Version><Key>k</Key><ETag>\"old\"</ETag></Version>";
  const auto below = [](const std::string& inside) {
    return parse_below_marker("<ListVersionsResult>" + inside + "</ListVersionsResult>",
                              "k");
  };
  EXPECT_EQ(below(marker + versions), VersionToken{"new"});
  EXPECT_EQ(below(versions + marker), VersionToken{"new"});
  EXPECT_FALSE(below(versions));
  EXPECT_FALSE(below(marker));
}

TEST(S3Responses, ErrorsOfAnyLengthAreKeptShort) {
  const std::string words(5'000'000, 'x');
  const auto failure = parse_failure(
      {500, {}, "<Error><Code>Odd</Code><Message>" + words + "</Message></Error>", 0});
  EXPECT_EQ(failure.code, "Odd");
  EXPECT_LT(failure.message.size(), 10'000U);
}

http::HttpResponse object_answer(http::Headers extra, int status = 200) {
  extra.insert(extra.end(), {{"etag", '"' + std::string(kEtag) + '"'},
                             {"content-length", "1"},
                             {"last-modified", "Sat, 22 Jul 2023 04:26:40 GMT"}});
  return {status, std::move(extra), "", 0};
}

ObjectInfo info_of(http::Headers extra, int status = 200) {
  return object_info(object_answer(std::move(extra), status), {"k"});
}

TEST(S3Headers, ObjectInfoCarriesWhatTheHeadersSay) {
  const ObjectInfo info = info_of({{"x-amz-meta-mtime", "1.5"},
                                   {"x-amz-version-id", "v1"},
                                   {"x-amz-checksum-crc64nvme", "AQIDBAUGBwg="},
                                   {"x-amz-checksum-crc32c", "AQIDBA=="},
                                   {"content-type", "text/plain"}});
  EXPECT_EQ(info.size, 1U);
  EXPECT_EQ(info.token.value, kEtag);
  EXPECT_EQ(info.version_id, "v1");
  EXPECT_EQ(info.last_modified_ns, 1'690'000'000'000'000'000);
  EXPECT_THAT(*info.metadata, ElementsAre(Pair("mtime", "1.5")));
  EXPECT_EQ(info.crc64nvme, 0x0102030405060708ULL);
  EXPECT_EQ(info.crc32c, 0x01020304U);
  EXPECT_TRUE(info.md5.has_value());
}

TEST(S3Headers, AnEtagUnderKmsOrCustomerKeysIsNoMd5) {
  EXPECT_FALSE(info_of({{"x-amz-server-side-encryption", "aws:kms"}}).md5);
  EXPECT_FALSE(info_of({{"x-amz-server-side-encryption", "aws:kms:dsse"}}).md5);
  EXPECT_FALSE(
      info_of({{"x-amz-server-side-encryption-customer-algorithm", "AES256"}}).md5);
  EXPECT_TRUE(info_of({{"x-amz-server-side-encryption", "AES256"}}).md5);
  const ObjectInfo stored =
      info_of({{"x-amz-server-side-encryption", "aws:kms"},
               {"x-amz-meta-md5chksum", "1B2M2Y8AsgTpgAmY7PhCfg=="}});
  EXPECT_FALSE(stored.md5) << "anybody can set it";
}

TEST(S3Headers, ChecksumsOfRangesAndOfPartChecksumsAreNotTheObjects) {
  const http::Headers crc = {{"x-amz-checksum-crc64nvme", "AQIDBAUGBwg="}};
  EXPECT_FALSE(info_of(crc, 206).crc64nvme);
  EXPECT_FALSE(info_of({crc[0], {"x-amz-checksum-type", "COMPOSITE"}}).crc64nvme);
  EXPECT_FALSE(info_of({{"x-amz-checksum-crc32c", "AQIDBA==-2"}}).crc32c);
}

TEST(S3Headers, RestoredObjectsAreReadable) {
  const std::pair<std::string, std::string> glacier = {"x-amz-storage-class", "GLACIER"};
  const std::pair<std::string, std::string> tiering = {"x-amz-storage-class",
                                                       "INTELLIGENT_TIERING"};
  EXPECT_TRUE(info_of({glacier}).archived);
  EXPECT_TRUE(info_of({glacier, {"x-amz-restore", "ongoing-request=\"true\""}}).archived);
  EXPECT_FALSE(info_of({glacier,
                        {"x-amz-restore",
                         "ongoing-request=\"false\", expiry-date=\"Fri, 21 Dec 2030\""}})
                   .archived);
  EXPECT_FALSE(info_of({tiering}).archived);
  EXPECT_TRUE(info_of({tiering, {"x-amz-archive-status", "ARCHIVE_ACCESS"}}).archived);
}

TEST(S3Headers, AnObjectWithoutItsTokenIsNotAccepted) {
  http::HttpResponse response = object_answer({});
  std::erase_if(response.headers,
                [](const auto& header) { return header.first == "etag"; });
  EXPECT_EQ(error_of([&] { object_info(response, {"k"}); }).code(),
            ErrorCode::kUnavailable);
  EXPECT_EQ(error_of([&] { put_result(response, "", 1); }).code(),
            ErrorCode::kUnavailable);
}

TEST(S3Headers, WritesTakeTheServersDateUntilTheNextListing) {
  const PutResult with = put_result({200, {{"date", testing::kDate}}, "", 0}, "\"e\"", 7);
  EXPECT_EQ(with.last_modified_ns, testing::kNow);
  EXPECT_FALSE(with.last_modified_exact);
  EXPECT_EQ(with.token.value, "e");
  EXPECT_EQ(put_result({200, {}, "", 0}, "e", 7).last_modified_ns, 7);
}

TEST(S3Headers, RetryAfterIsReadInBothForms) {
  using std::chrono::milliseconds;
  EXPECT_EQ(failure_from_headers({503, {{"retry-after", "2"}}, "", 0}).retry_after,
            milliseconds(2000));
  EXPECT_EQ(failure_from_headers({503, {{"x-amz-retry-after", "15"}}, "", 0}).retry_after,
            milliseconds(15));
}

}  // namespace
}  // namespace cloudsync::storage::s3

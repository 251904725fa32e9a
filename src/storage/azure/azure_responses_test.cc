// SPDX-License-Identifier: Apache-2.0
#include "storage/azure/azure_responses.h"

#include "http/scripted_transport.h"
#include "storage/azure/azure_batch.h"
#include "storage/azure/azure_headers.h"
#include "storage/azure/azure_test_bench.h"

namespace cloudsync::storage::azure {
namespace {

using testing::error_of;

std::string listing(const std::string& blobs, const std::string& marker = "") {
  return "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults>"
         "<Blobs>" +
         blobs + "</Blobs><NextMarker>" + marker + "</NextMarker></EnumerationResults>";
}

std::string blob(const std::string& name, const std::string& properties,
                 const std::string& rest = "<Metadata />") {
  return "<Blob>" + name +
         "<Properties><Last-Modified>Tue, 10 Jan 2023 23:39:32 GMT</Last-Modified>"
         "<Etag>0x8DA</Etag><Content-Length>3</Content-Length>" +
         properties + "</Properties>" + rest + "</Blob>";
}

ListPage list_of(const std::string& body, const std::string& prefix = "") {
  return parse_list(body, prefix);
}

TEST(AzureResponses, AListingNamesThePrefixThatWasAskedFor) {
  const auto prefixed = [](const std::string& prefix) {
    return "<EnumerationResults>" + prefix + "<Blobs/><NextMarker/></EnumerationResults>";
  };
  EXPECT_TRUE(list_of(prefixed("<Prefix>d/</Prefix>"), "d/").objects.empty());
  EXPECT_TRUE(list_of(prefixed("<Prefix Encoded=\"true\">d%01/</Prefix>"), "d\x01/")
                  .objects.empty());
  for (const char* other : {"", "<Prefix/>", "<Prefix>e/</Prefix>"}) {
    EXPECT_EQ(error_of([&] { list_of(prefixed(other), "d/"); }).code(),
              ErrorCode::kUnavailable)
        << other;
  }
}

TEST(AzureResponses, NamesThatAreLeftOutAreNoEmptyPage) {
  const ListPage page =
      list_of(listing(blob("<Name>gone</Name><Deleted>true</Deleted>", "")));
  EXPECT_TRUE(page.objects.empty());
  EXPECT_EQ(page.first_filtered, "gone");
}

TEST(AzureResponses, AListingTellsWhatIsServedAndCountsTags) {
  const ListPage page =
      list_of(listing(blob("<Name>a</Name>",
                           "<Cache-Control>no-store</Cache-Control>"
                           "<Content-Disposition>inline</Content-Disposition>"
                           "<Content-Language>de</Content-Language>"
                           "<TagCount>2</TagCount>") +
                      blob("<Name>b</Name>", "<Cache-Control />")));
  ASSERT_EQ(page.objects.size(), 2U);
  EXPECT_EQ(page.objects[0].served, (ServedHeaders{"no-store", "inline", "de"}));
  EXPECT_EQ(page.objects[0].tag_count, 2U);
  EXPECT_EQ(page.objects[1].served, ServedHeaders{});
  EXPECT_EQ(page.objects[1].tag_count, 0U);
}

TEST(AzureResponses, AListingIsReadWholly) {
  const ListPage page = list_of(listing(
      blob("<Name Encoded=\"true\">a%01%2B+b</Name>",
           "<Content-MD5>XUFAKrxLKna5cZ2REBfFkg==</Content-MD5>"
           "<Content-Type>text/plain</Content-Type><AccessTier>Archive</AccessTier>"
           "<ArchiveStatus>rehydrate-pending-to-hot</ArchiveStatus>",
           "<Metadata><MTime>x</MTime></Metadata>") +
          blob("<Name>b</Name>",
               "<AccessTier>Hot</AccessTier>"
               "<AccessTierInferred>true</AccessTierInferred>") +
          "<BlobPrefix><Name>c/</Name></BlobPrefix>",
      "2!84"));
  ASSERT_EQ(page.objects.size(), 2U);
  const ObjectInfo& first = page.objects[0];
  EXPECT_EQ(first.key.value, "a\x01++b");
  EXPECT_EQ(first.size, 3U);
  EXPECT_EQ(first.token.value, "0x8DA");
  EXPECT_FALSE(first.md5) << "anybody can set it";
  EXPECT_TRUE(first.stored_md5);
  EXPECT_TRUE(first.archived);
  EXPECT_EQ(first.metadata, (Metadata{{"mtime", "x"}}));
  EXPECT_EQ(page.objects[1].storage_class, "");
  EXPECT_EQ(page.common_prefixes, std::vector<std::string>{"c/"});
  EXPECT_EQ(page.next_page_token, "2!84");
}

TEST(AzureResponses, WhatIsNoFileIsLeftOut) {
  const ListPage page = list_of(listing(
      "<Blob><Name>dir</Name><Properties><ResourceType>directory</ResourceType>"
      "</Properties></Blob>" +
      blob("<Name>snap</Name><Snapshot>2023</Snapshot>", "") +
      blob("<Name>gone</Name><Deleted>true</Deleted>", "") + blob("<Name>f</Name>", "")));
  ASSERT_EQ(page.objects.size(), 1U);
  EXPECT_EQ(page.objects[0].key.value, "f");
}

TEST(AzureResponses, MetadataThatIsNotThereIsNotEmpty) {
  const ListPage page =
      list_of(listing(blob("<Name>a</Name>", "", "") +
                      blob("<Name>b</Name>", "", "<Metadata Encrypted=\"true\"/>")));
  EXPECT_FALSE(page.objects[0].metadata);
  EXPECT_FALSE(page.objects[1].metadata);
}

TEST(AzureResponses, HeadersOfARangeTellOfTheWholeBlob) {
  const auto response =
      http::scripted_response(206, {{"ETag", "\"0x8DA\""},
                                    {"Last-Modified", "Tue, 10 Jan 2023 23:39:32 GMT"},
                                    {"Content-Length", "2"},
                                    {"Content-Range", "bytes 1-2/10"},
                                    {"Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA=="},
                                    {"x-ms-meta-MTime", "x"}});
  const ObjectInfo info = object_info(response, {"k"});
  EXPECT_EQ(info.size, 10U);
  EXPECT_EQ(info.token.value, "0x8DA");
  EXPECT_FALSE(info.md5 || info.stored_md5);
  EXPECT_EQ(info.metadata, (Metadata{{"mtime", "x"}}));
}

TEST(AzureResponses, HeadersWithoutTheirEssentialsAreUnreadable) {
  EXPECT_EQ(error_of([] { object_info(http::scripted_response(200), {"k"}); }).code(),
            ErrorCode::kUnavailable);
  EXPECT_EQ(error_of([] { put_result(http::scripted_response(201), 0); }).code(),
            ErrorCode::kUnavailable);
}

TEST(AzureResponses, WaitingTimesAreTakenInAllTheirForms) {
  const auto wait = [](http::Headers headers) {
    headers.emplace_back("date", "Sat, 22 Jul 2023 04:26:40 GMT");
    return failure_from_headers(http::scripted_response(503, std::move(headers)))
        .retry_after;
  };
  using std::chrono::milliseconds;
  EXPECT_EQ(wait({{"x-ms-retry-after-ms", "1500"}}), milliseconds(1500));
  EXPECT_EQ(wait({{"retry-after", "2"}}), milliseconds(2000));
  EXPECT_EQ(wait({{"retry-after", "Sat, 22 Jul 2023 04:26:43 GMT"}}), milliseconds(3000));
  EXPECT_EQ(wait({{"retry-after", "99999999999999999999"}}), std::nullopt);
  EXPECT_EQ(wait({}), std::nullopt);
}

TEST(AzureResponses, AnErrorIsToldByHeaderDocumentOrFirstWords) {
  EXPECT_EQ(parse_failure(http::scripted_response(404, {{"x-ms-error-code", "X"}})).code,
            "X");
  const ServiceFailure document = parse_failure(http::scripted_response(
      403, {},
      "\xEF\xBB\xBF<?xml version=\"1.0\"?><Error><Code>C</Code><Message>M</Message>"
      "<AuthenticationErrorDetail>D</AuthenticationErrorDetail></Error>"));
  EXPECT_EQ(document.code + document.message + document.detail, "CMD");
  EXPECT_NE(parse_failure(http::scripted_response(502, {}, "<html>proxy</html>"))
                .message.find("<html>proxy"),
            std::string::npos);
}

TEST(AzureBatch, AnswersAreReadHoweverTheyAreWritten) {
  const std::string body =
      "--B\nContent-Type: application/http\nContent-ID: 1\n\nHTTP/1.1 202 Accepted\n"
      "x-ms-request-id: r\n\n\r\n--B\r\ncontent-id:0\r\n\r\nHTTP/1.1 404 No\r\n"
      "x-ms-error-code: BlobNotFound\r\n\r\n<Error/>\r\n--B\r\nrubbish\r\n--B--";
  const auto parts = parse_batch("multipart/mixed; boundary=\"B\"; x=y", body);
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].id, 1U);
  EXPECT_EQ(parts[0].http.status, 202);
  EXPECT_EQ(parts[1].id, 0U);
  EXPECT_EQ(parts[1].http.header("x-ms-error-code"), "BlobNotFound");
  EXPECT_EQ(parts[1].http.body, "<Error/>");
}

TEST(AzureBatch, WhatIsNoWholeBatchThrows) {
  for (const char* type :
       {"", "text/html", "multipart/mixed; boundary=", "multipart/mixed; boundary=B"}) {
    EXPECT_EQ(error_of([&] { parse_batch(type, "--B\r\nx\r\n--B"); }).code(),
              ErrorCode::kUnavailable)
        << type;
  }
}

}  // namespace
}  // namespace cloudsync::storage::azure

// SPDX-License-Identifier: Apache-2.0
#include "storage/gcs/gcs_responses.h"

#include "http/scripted_transport.h"
#include "storage/gcs/gcs_batch.h"
#include "storage/gcs/gcs_media.h"
#include "storage/gcs/gcs_test_bench.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace cloudsync::storage::gcs {
namespace {

using http::scripted_response;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kObject[] =
    R"({"name":"a/b","size":"5","generation":"1700000000000001","updated":)"
    R"("2023-11-14T22:13:20.123Z","md5Hash":"XUFAKrxLKna5cZ2REBfFkg==",)"
    R"("crc32c":"mnG7TA==","storageClass":"NEARLINE","contentType":"text/plain",)"
    R"("contentEncoding":"gzip","metadata":{"mtime":"x","n":1}})";

TEST(GcsResponses, AnObjectIsReadWithAllItsProperties) {
  const ObjectInfo info = parse_object(kObject);
  EXPECT_EQ(info.key.value, "a/b");
  EXPECT_EQ(info.size, 5U);
  EXPECT_EQ(info.token.value, "1700000000000001");
  EXPECT_EQ(info.version_id, "1700000000000001");
  EXPECT_EQ(info.last_modified_ns, 1'700'000'000'123'000'000);
  EXPECT_EQ(info.md5, testing::md5_of("hello"));
  EXPECT_EQ(info.crc32c, 0x9A71BB4CU);
  EXPECT_EQ(info.storage_class, "NEARLINE");
  EXPECT_FALSE(info.archived);
  EXPECT_EQ(info.metadata, (Metadata{{"mtime", "x"}}));
}

TEST(GcsResponses, WhatIsServedWithAnObjectIsRead) {
  auto object = nlohmann::json::parse(kObject);
  EXPECT_EQ(parse_object(object.dump()).served, ServedHeaders{});
  object["cacheControl"] = "no-store";
  object["contentDisposition"] = "inline";
  object["contentLanguage"] = "de";
  const ObjectInfo info = parse_object(object.dump());
  EXPECT_EQ(info.served, (ServedHeaders{"no-store", "inline", "de"}));
  EXPECT_EQ(info.tag_count, 0U);
}

TEST(GcsResponses, ACompositeObjectHasNoMd5) {
  auto object = nlohmann::json::parse(kObject);
  object.erase("md5Hash");
  EXPECT_EQ(parse_object(object.dump()).md5, std::nullopt);
}

// JSON of a protocol buffer leaves out what has its default value.
TEST(GcsResponses, AnObjectWithoutSizeIsEmptyUnlessAHashSaysOtherwise) {
  auto object = nlohmann::json::parse(kObject);
  object.erase("size");
  EXPECT_EQ(error_of([&] { parse_object(object.dump()); }).code(),
            ErrorCode::kUnavailable);
  object.erase("md5Hash");
  object.erase("crc32c");
  EXPECT_EQ(parse_object(object.dump()).size, 0U);
  object["crc32c"] = "AAAAAA==";
  object["md5Hash"] = "1B2M2Y8AsgTpgAmY7PhCfg==";
  EXPECT_EQ(parse_object(object.dump()).size, 0U);
}

TEST(GcsResponses, WhatIsNotAnObjectIsUnreadable) {
  for (const auto& [field, value] :
       std::vector<std::pair<std::string, nlohmann::json>>{{"size", "-1"},
                                                           {"size", 1.5},
                                                           {"size", nullptr},
                                                           {"generation", "0"},
                                                           {"generation", "x"},
                                                           {"name", ""},
                                                           {"name", 7},
                                                           {"updated", "yesterday"}}) {
    auto object = nlohmann::json::parse(kObject);
    object[field] = value;
    EXPECT_EQ(error_of([&] { parse_object(object.dump()); }).code(),
              ErrorCode::kUnavailable)
        << field;
  }
  for (const char* body : {"", "[]", "null", "{", "<html>"})
    EXPECT_EQ(error_of([&] { parse_object(body); }).code(), ErrorCode::kUnavailable);
}

TEST(GcsResponses, APageMayBeEmptyAndStillGoOn) {
  const ListPage page = parse_list(R"({"kind":"storage#objects","nextPageToken":"T"})");
  EXPECT_TRUE(page.objects.empty());
  EXPECT_EQ(page.next_page_token, "T");
  const ListPage full =
      parse_list(std::string(R"({"kind":"storage#objects","prefixes":["a/"],"items":[)") +
                 kObject + "]}");
  EXPECT_EQ(full.objects.size(), 1U);
  EXPECT_EQ(full.common_prefixes, std::vector<std::string>{"a/"});
}

TEST(GcsResponses, AbsurdSizesAndNestingAreNotRead) {
  for (const char* digits : {"9223372036854775808", "18446744073709551616"}) {
    std::string object = kObject;
    object.replace(object.find("\"5\""), 3, "\"" + std::string(digits) + "\"");
    EXPECT_EQ(error_of([&] { parse_object(object); }).code(), ErrorCode::kUnavailable);
  }
  std::string nested = R"({"kind":"storage#objects","x":)";
  nested += std::string(100, '[') + std::string(100, ']') + "}";
  EXPECT_EQ(error_of([&] { parse_list(nested); }).code(), ErrorCode::kUnavailable);
}

TEST(GcsResponses, OnlyWhatSaysThatItIsAListingIsOne) {
  EXPECT_TRUE(parse_list(R"({"kind":"storage#objects"})").objects.empty());
  for (const char* body :
       {R"({})", R"({"items":[]})", R"({"kind":"storage#object"})", R"({"kind":7})",
        R"({"error":{"code":500}})", R"({"kind":"storage#objects","items":{}})",
        R"({"kind":"storage#objects","items":[7]})",
        R"({"kind":"storage#objects","nextPageToken":7})",
        R"({"kind":"storage#objects","nextPageToken":null})"}) {
    EXPECT_EQ(error_of([&] { parse_list(body); }).code(), ErrorCode::kUnavailable)
        << body;
  }
}

TEST(GcsResponses, ACopyKeepsWhatAnObjectInfoDoesNotHold) {
  const auto resource = nlohmann::json::parse(parse_copy_source(kObject).resource);
  EXPECT_EQ(resource["storageClass"], "NEARLINE");
  EXPECT_EQ(resource["contentEncoding"], "gzip");
  EXPECT_EQ(resource["metadata"]["mtime"], "x");
  EXPECT_FALSE(resource.contains("generation"));
  EXPECT_FALSE(resource.contains("name"));
}

TEST(GcsResponses, AnUnfinishedCopyNeedsATokenToGoOn) {
  const RewriteStep step =
      parse_rewrite(R"({"done":false,"rewriteToken":"T","totalBytesRewritten":"7"})");
  EXPECT_FALSE(step.done);
  EXPECT_EQ(step.token, "T");
  EXPECT_EQ(step.rewritten, 7U);
  for (const char* body : {R"({"done":false})", R"({"done":true})", "{}"})
    EXPECT_EQ(error_of([&] { parse_rewrite(body); }).code(), ErrorCode::kUnavailable);
}

ServiceFailure failure_of(int status, const std::string& reason,
                          const std::string& message) {
  const nlohmann::json body = {
      {"error",
       {{"code", status},
        {"message", message},
        {"errors", nlohmann::json::array({{{"reason", reason}}})}}}};
  return parse_failure(scripted_response(
      status, {{"x-guploader-uploadid", "REQ"}, {"retry-after", "7"}}, body.dump()));
}

Error error_for(int status, const std::string& reason, const std::string& message,
                Operation operation = {"objects.get", "storage.objects.get"}) {
  return make_error(failure_of(status, reason, message),
                    {operation, "bucket", "k", "https://storage.googleapis.com", true});
}

TEST(GcsErrors, CodesSayWhatToDoNext) {
  EXPECT_EQ(error_for(401, "authError", "").code(), ErrorCode::kUnauthenticated);
  EXPECT_EQ(error_for(403, "forbidden", "").code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(error_for(403, "rateLimitExceeded", "").code(), ErrorCode::kThrottled);
  EXPECT_EQ(error_for(404, "notFound", "").code(), ErrorCode::kNotFound);
  EXPECT_EQ(error_for(408, "", "").code(), ErrorCode::kUnavailable);
  EXPECT_EQ(error_for(410, "", "").code(), ErrorCode::kNotFound);
  EXPECT_EQ(error_for(412, "conditionNotMet", "").code(), ErrorCode::kPreconditionFailed);
  EXPECT_EQ(error_for(429, "rateLimitExceeded", "").code(), ErrorCode::kThrottled);
  EXPECT_EQ(error_for(500, "backendError", "").code(), ErrorCode::kUnavailable);
  EXPECT_EQ(error_for(503, "", "").code(), ErrorCode::kUnavailable);
  EXPECT_EQ(error_for(400, "invalid", "").code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(error_for(400, "invalid",
                      "Provided MD5 hash \"a\" doesn't match calculated MD5 hash \"b\".")
                .code(),
            ErrorCode::kDataCorrupt);
}

TEST(GcsErrors, ARefusalNamesTheMissingRightTheRoleAndTheRequest) {
  const Error error = error_for(403, "forbidden", "x has no access.",
                                {"objects.insert", "storage.objects.create"});
  EXPECT_THAT(error.what(), HasSubstr("objects.insert of \"k\" in gs://bucket"));
  EXPECT_THAT(error.what(), HasSubstr("x has no access."));
  EXPECT_THAT(error.what(), HasSubstr("storage.objects.create"));
  EXPECT_THAT(error.what(), HasSubstr("storage.objects.delete"));
  EXPECT_THAT(error.what(), HasSubstr("roles/storage.objectUser"));
  EXPECT_THAT(error.what(), HasSubstr("request id REQ"));
  EXPECT_EQ(error.detail().retry_after, std::chrono::seconds(7));
}

TEST(GcsErrors, ARequesterPaysBucketNamesTheSetting) {
  const Error error = error_for(
      400, "required", "Bucket is a requester pays bucket but no user project provided.");
  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.what(), HasSubstr("storage.project"));
}

TEST(GcsErrors, AMissingBucketIsNotAMissingObject) {
  EXPECT_TRUE(is_missing_bucket(
      failure_of(404, "notFound", "The specified bucket does not exist.")));
  EXPECT_FALSE(is_missing_bucket(failure_of(404, "notFound", "No such object: b/k")));
  EXPECT_THAT(error_for(404, "notFound", "The specified bucket does not exist.").what(),
              HasSubstr("storage.bucket"));
}

TEST(GcsErrors, PlainTextAndForeignAnswersKeepTheirFirstWords) {
  const auto plain = parse_failure(scripted_response(404, {}, "No such object: b/k"));
  EXPECT_EQ(plain.message, "No such object: b/k");
  const auto page =
      parse_failure(scripted_response(502, {}, "<html>\n" + std::string(100'000, 'x')));
  EXPECT_EQ(page.message, "<html>");
  const auto oauth = parse_failure(scripted_response(
      401, {}, R"({"error":"invalid_token","error_description":"expired"})"));
  EXPECT_EQ(oauth.reason, "invalid_token");
  EXPECT_EQ(oauth.message, "expired");
  const auto odd =
      parse_failure(scripted_response(400, {}, R"({"error":{"errors":[7]}})"));
  EXPECT_EQ(odd.message, "");
}

http::Headers media_headers() {
  return {{"x-goog-generation", "17"},
          {"x-goog-hash", "crc32c=mnG7TA=="},
          {"x-goog-hash", "md5=XUFAKrxLKna5cZ2REBfFkg=="},
          {"x-goog-stored-content-length", "5"},
          {"x-goog-stored-content-encoding", "gzip"},
          {"content-encoding", "gzip"},
          {"last-modified", "Tue, 14 Nov 2023 22:13:20 GMT"},
          {"content-type", "text/plain"}};
}

TEST(GcsMedia, HeadersBecomeAnObject) {
  const ObjectInfo info = media_info(scripted_response(200, media_headers()), {"k"});
  EXPECT_EQ(info.size, 5U);
  EXPECT_EQ(info.token.value, "17");
  EXPECT_EQ(info.md5, testing::md5_of("hello"));
  EXPECT_EQ(info.crc32c, 0x9A71BB4CU);
  EXPECT_EQ(info.last_modified_ns, 1'700'000'000'000'000'000);
  EXPECT_EQ(info.metadata, std::nullopt);
}

TEST(GcsMedia, AnotherGenerationOrRangeOrEncodingIsRefusedBeforeTheBody) {
  GetRequest request;
  request.key = {"k"};
  request.if_match = VersionToken{"17"};
  EXPECT_NO_THROW(check_media(request, scripted_response(200, media_headers())));
  request.if_match = VersionToken{"18"};
  EXPECT_EQ(error_of([&] {
              check_media(request, scripted_response(200, media_headers()));
            }).code(),
            ErrorCode::kPreconditionFailed);
  request.if_match.reset();
  request.range = ByteRange{2, 2};
  EXPECT_EQ(error_of([&] {
              check_media(request, scripted_response(200, media_headers()));
            }).code(),
            ErrorCode::kUnsupported);
  request.range.reset();
  http::Headers unpacked = media_headers();
  std::erase_if(unpacked, [](const auto& h) { return h.first == "content-encoding"; });
  EXPECT_EQ(
      error_of([&] { check_media(request, scripted_response(200, unpacked)); }).code(),
      ErrorCode::kUnsupported);
}

TEST(GcsMedia, PersistedBytesFollowTheRangeOfA308) {
  const auto kept = [](http::Headers headers) {
    return persisted_bytes(scripted_response(308, std::move(headers)));
  };
  EXPECT_EQ(kept({}), 0U);
  EXPECT_EQ(kept({{"Range", "bytes=0-262143"}}), 262144U);
  EXPECT_EQ(kept({{"Range", "0-262143"}}), 262144U);
  EXPECT_EQ(kept({{"Range", "bytes=0-0"}}), 0U);
  for (const char* odd : {"bytes=5-9", "bytes=0-", "x", "bytes=0-18446744073709551615"})
    EXPECT_EQ(error_of([&] { kept({{"Range", odd}}); }).code(), ErrorCode::kUnavailable);
}

http::HttpResponse batch_answer(const std::string& body,
                                const std::string& type = "multipart/mixed; boundary=b") {
  return scripted_response(200, {{"Content-Type", type}}, body);
}

TEST(GcsBatch, AnswersAreMatchedByTheirIds) {
  const std::string body =
      "--b\r\nContent-Type: application/http\r\nContent-ID: <response-2>\r\n\r\n"
      "HTTP/1.1 404 Not Found\r\nX: y\r\n\r\n{\"error\":{\"code\":404}}\r\n"
      "--b\nContent-Id: <response-1>\n\nHTTP/1.1 204 No Content\n\n\n--b--";
  const auto answers = parse_batch(batch_answer(body), 3);
  EXPECT_EQ(answers[0].value().status, 204);
  EXPECT_EQ(answers[1].value().status, 404);
  EXPECT_EQ(answers[1].value().body, "{\"error\":{\"code\":404}}");
  EXPECT_FALSE(answers[2]);
  const auto quoted =
      parse_batch(batch_answer(body, "multipart/mixed; boundary=\"b\"; x=y"), 2);
  EXPECT_EQ(quoted[0].value().status, 204);
}

TEST(GcsBatch, WhatIsNotABatchIsUnreadableAndOddPartsAnswerNothing) {
  EXPECT_EQ(error_of([] { parse_batch(batch_answer("x", "text/html"), 1); }).code(),
            ErrorCode::kUnavailable);
  EXPECT_EQ(error_of([] { parse_batch(batch_answer("x"), 1); }).code(),
            ErrorCode::kUnavailable);
  for (const std::string part :
       {"Content-ID: <response-9>\n\nHTTP/1.1 204\n",
        "Content-ID: <response-0>\n\nHTTP/1.1 204\n",
        "Content-ID: <response-1>\n\nnonsense", "\n\nHTTP/1.1 204\n",
        "Content-ID: <response-1>\n\nHTTP/1.1 xyz\n", ""}) {
    EXPECT_FALSE(parse_batch(batch_answer("--b\n" + part + "\n--b--"), 1)[0]) << part;
    EXPECT_FALSE(parse_batch(batch_answer("--b\n" + part), 1)[0]) << part;
  }
}

}  // namespace
}  // namespace cloudsync::storage::gcs

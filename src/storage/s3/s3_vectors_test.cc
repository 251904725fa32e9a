// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/s3_test_bench.h"

#include "storage/s3/s3_config.h"
#include "storage/s3/s3_responses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace cloudsync::storage::s3 {
namespace {

using testing::environment_of;
using testing::error_of;

// Published vectors and canned answers, found through the environment.
class S3Vectors : public testing::StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    const char* folder = std::getenv("CLOUDSYNC_VECTORS");
    if (folder == nullptr) GTEST_SKIP() << "CLOUDSYNC_VECTORS does not name the vectors";
    folder_ = std::string(folder) + "/s3/";
  }

  std::string text(const std::string& name) const {
    std::ifstream file(folder_ + name);
    EXPECT_TRUE(file.good()) << name;
    std::ostringstream out;
    out << file.rdbuf();
    return out.str();
  }

  void answer_with(const std::string& name) {
    const auto mock =
        nlohmann::json::parse(text("mock-server-responses/" + name + ".json"));
    http::Headers headers;
    for (const auto& [key, value] : mock["headers"].items())
      headers.emplace_back(key, value);
    std::string body;
    for (const auto& line : mock["body"]) body += line.get<std::string>() + "\n";
    transport().expect(http::HttpResponse{mock["status"], std::move(headers), body, 0});
  }

  std::string folder_;
};

BeginUploadRequest begin_of(const std::string& key) {
  BeginUploadRequest request;
  request.key = {key};
  return request;
}

// Out of scope: ARNs (access points, Outposts, object lambda) and directory buckets,
// which are refused by name; "snow" devices, whose endpoint is in the region's place;
// requests without a bucket; and the SDKs' switch UseGlobalEndpoint where it has an
// effect (us-east-1 alone): that endpoint has the region name aws-global here.
bool is_in_scope(const nlohmann::json& params) {
  const auto on = [&](const char* flag) { return params.value(flag, false); };
  const std::string bucket = params.value("Bucket", "");
  const std::string region = params.value("Region", "");
  const bool plain_endpoint = !on("UseDualStack") && !on("UseFIPS") &&
                              !on("Accelerate") && !params.contains("Endpoint");
  if (on("UseGlobalEndpoint") && region == "us-east-1" && plain_endpoint) return false;
  return !on("UseObjectLambdaEndpoint") && !bucket.empty() &&
         bucket.find("arn:") == std::string::npos &&
         bucket.find("--") == std::string::npos && region != "snow" && !region.empty();
}

std::string resolved_url(const nlohmann::json& params, std::string& region) {
  StorageOptions options;
  options.bucket = params["Bucket"];
  options.region = params["Region"];
  options.endpoint_url = params.value("Endpoint", "");
  options.addressing_style = params.value("ForcePathStyle", false) ? "path" : "virtual";
  options.use_dual_stack = params.value("UseDualStack", false);
  options.use_fips_endpoint = params.value("UseFIPS", false);
  options.use_accelerate_endpoint = params.value("Accelerate", false);
  const S3Config config = resolve_config(options, environment_of({}), {});
  const ServiceAddress address = address_in_region(config, config.region);
  region = address.region;
  return address.origin + address.base_path;
}

void check_endpoint(const nlohmann::json& test) {
  SCOPED_TRACE(test["documentation"].dump() + test["params"].dump());
  std::string region;
  if (test["expect"].contains("error")) {
    EXPECT_EQ(error_of([&] { resolved_url(test["params"], region); }).code(),
              ErrorCode::kInvalidArgument);
    return;
  }
  const auto& endpoint = test["expect"]["endpoint"];
  EXPECT_EQ(resolved_url(test["params"], region), endpoint["url"]);
  EXPECT_EQ(region, endpoint["properties"]["authSchemes"][0]["signingRegion"]);
}

TEST_F(S3Vectors, EndpointsAreThoseOfTheOfficialRules) {
  const auto tests = nlohmann::json::parse(text("s3-endpoint-tests-1.json"));
  int checked = 0;
  for (const auto& test : tests["testCases"]) {
    if (!is_in_scope(test["params"])) continue;
    ++checked;
    check_endpoint(test);
  }
  EXPECT_GE(checked, 100);
}

TEST_F(S3Vectors, PublishedListingIsParsed) {
  const ListPage page =
      parse_list(text("xml-responses/s3-list-objects.xml"), "", false);
  const auto expected = nlohmann::json::parse(text("xml-responses/s3-list-objects.json"));
  ASSERT_EQ(page.objects.size(), expected["Contents"].size());
  for (std::size_t i = 0; i < page.objects.size(); ++i) {
    const auto& object = expected["Contents"][i];
    EXPECT_EQ(page.objects[i].key.value, object["Key"]);
    EXPECT_EQ('"' + page.objects[i].token.value + '"', object["ETag"]);
    EXPECT_EQ(page.objects[i].size, object["Size"]);
    EXPECT_EQ(page.objects[i].storage_class, object["StorageClass"]);
  }
}

TEST_F(S3Vectors, PublishedUploadListingsAreParsed) {
  EXPECT_TRUE(
      parse_uploads(text("xml-responses/s3-list-multipart-uploads.xml")).uploads.empty());
  const UploadsPage page =
      parse_uploads(text("xml-responses/s3-list-multipart-uploads#2.xml"));
  const auto expected =
      nlohmann::json::parse(text("xml-responses/s3-list-multipart-uploads#2.json"));
  ASSERT_EQ(page.uploads.size(), expected["Uploads"].size());
  for (std::size_t i = 0; i < page.uploads.size(); ++i) {
    EXPECT_EQ(page.uploads[i].key.value, expected["Uploads"][i]["Key"]);
    EXPECT_EQ(page.uploads[i].upload.value, expected["Uploads"][i]["UploadId"]);
  }
  ASSERT_TRUE(page.next.has_value());
  EXPECT_EQ(page.next->key.value, expected["NextKeyMarker"]);
}

TEST_F(S3Vectors, OtherDocumentsAreNotTakenForAListing) {
  for (const char* name :
       {"s3-list-buckets", "s3-get-bucket-acl", "s3-list-object-versions"}) {
    const std::string body = text("xml-responses/" + std::string(name) + ".xml");
    EXPECT_EQ(error_of([&] { parse_list(body, "", false); }).code(), ErrorCode::kUnavailable)
        << name;
  }
}

TEST_F(S3Vectors, CannedMultipartAnswersAreUnderstood) {
  MultipartStore& uploads = *store().multipart();
  CompleteRequest complete;
  complete.key = {"default"};
  complete.upload = {"defaultID"};
  answer_with("CreateMultipartUpload/default");
  EXPECT_EQ(uploads.begin_upload(begin_of("default"), {}).value, "defaultID");
  answer_with("CompleteMultipartUpload/default");
  EXPECT_EQ(uploads.complete_upload(complete, {}).token.value,
            "3858f62230ac3c915f300c664312c11f-9");
  answer_with("CompleteMultipartUpload/async_internal_error");
  EXPECT_EQ(error_of([&] { uploads.complete_upload(complete, {}); }).code(),
            ErrorCode::kUnavailable);
  answer_with("CompleteMultipartUpload/async_access_denied_error");
  EXPECT_EQ(error_of([&] { uploads.complete_upload(complete, {}); }).code(),
            ErrorCode::kPermissionDenied);
  answer_with("ListParts/multiple_list_parts_1");
  answer_with("ListParts/multiple_list_parts_2");
  EXPECT_EQ(uploads.list_parts({"k"}, {"u"}, {})->size(), 2U);
  answer_with("ListParts/default");
  EXPECT_FALSE(uploads.list_parts({"k"}, {"u"}, {}).has_value());
  answer_with("AbortMultipartUpload/default");
  uploads.abort_upload({"k"}, {"u"}, {});
}

TEST_F(S3Vectors, CannedRefusalsAreClassified) {
  MultipartStore& uploads = *store().multipart();
  const auto begin = [&](const std::string& name) {
    answer_with("CreateMultipartUpload/" + name);
    return error_of([&] { uploads.begin_upload(begin_of("k"), {}); }).code();
  };
  EXPECT_EQ(begin("request_timeout"), ErrorCode::kUnavailable);
  const auto part = [&](const std::string& name) {
    answer_with("UploadPart/" + name);
    PartRequest request;
    request.key = {"k"};
    MemorySource source = testing::source_of("x");
    return error_of([&] { uploads.upload_part(request, source, {}); }).code();
  };
  EXPECT_EQ(part("throttle"), ErrorCode::kThrottled);
  EXPECT_EQ(part("missing_etag"), ErrorCode::kUnavailable);
  EXPECT_EQ(part("upload_part_error"), ErrorCode::kPermissionDenied);
}

TEST_F(S3Vectors, ACannedSkewAnswerIsSignedAgainWithTheServersTime) {
  answer_with("CreateMultipartUpload/request_time_too_skewed");
  answer_with("CreateMultipartUpload/default");
  store().multipart()->begin_upload(begin_of("k"), {});
  EXPECT_EQ(last().header("x-amz-date"), "20230725T162759Z");
}

TEST_F(S3Vectors, CannedReadRefusalsAreClassified) {
  testing::StringSink sink;
  GetRequest request;
  request.key = {"k"};
  answer_with("GetObject/default");
  EXPECT_EQ(store().get(request, sink, {}).outcome, Outcome::kNotFound);
  answer_with("GetObject/get_object_modified_failure");
  EXPECT_THAT(error_of([&] { store().get(request, sink, {}); }).what(),
              ::testing::HasSubstr("bad_request"));
}

}  // namespace
}  // namespace cloudsync::storage::s3

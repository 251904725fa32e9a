// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/s3_config.h"

#include "storage/s3/s3_test_bench.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cloudsync::storage::s3 {
namespace {

using testing::environment_of;
using testing::error_of;

StorageOptions options_for(const std::string& bucket, const std::string& endpoint = "") {
  StorageOptions options;
  options.bucket = bucket;
  options.endpoint_url = endpoint;
  return options;
}

S3Config resolve(const StorageOptions& options,
                 std::map<std::string, std::string> variables = {},
                 const auth::AwsConfigFiles& files = {}) {
  return resolve_config(options, environment_of(std::move(variables)), files);
}

std::string url_of(const S3Config& config) {
  const ServiceAddress address = address_in_region(config, config.region);
  return address.origin + address.base_path;
}

TEST(S3Config, AwsBucketsAreHostNamesInTheirRegion) {
  StorageOptions options = options_for("bucket");
  options.region = "eu-west-1";
  const S3Config config = resolve(options);
  EXPECT_EQ(url_of(config), "https://bucket.s3.eu-west-1.amazonaws.com");
  EXPECT_TRUE(config.aws);
  EXPECT_TRUE(config.capabilities.declared);
  EXPECT_TRUE(config.capabilities.conditional_batch_delete);
  EXPECT_TRUE(config.capabilities.crc64nvme);
}

TEST(S3Config, CustomEndpointsUsePathStyleAndDeclareNothing) {
  const S3Config config = resolve(options_for("bucket", "http://127.0.0.1:9000/"));
  EXPECT_EQ(url_of(config), "http://127.0.0.1:9000/bucket");
  EXPECT_EQ(config.region, "us-east-1");
  EXPECT_FALSE(config.capabilities.declared);
  EXPECT_FALSE(config.capabilities.crc64nvme);
  EXPECT_TRUE(config.capabilities.conditional_put);
  EXPECT_FALSE(config.https);
}

TEST(S3Config, VirtualStyleOnCustomEndpointsIsForThoseWhoAsk) {
  StorageOptions options = options_for("bucket", "https://s3.example.com");
  EXPECT_EQ(url_of(resolve(options)), "https://s3.example.com/bucket");
  options.addressing_style = "virtual";
  EXPECT_EQ(url_of(resolve(options)), "https://bucket.s3.example.com");
}

TEST(S3Config, AnAwsEndpointNamedByHandIsStillAws) {
  const S3Config config =
      resolve(options_for("bucket", "https://s3.eu-west-1.amazonaws.com"));
  EXPECT_TRUE(config.capabilities.declared);
  EXPECT_EQ(url_of(config), "https://bucket.s3.eu-west-1.amazonaws.com");
}

TEST(S3Config, EndpointSourcesAreTriedInOrder) {
  auth::AwsConfigFiles files;
  files.profiles["default"] = {{"services", "lab"}, {"endpoint_url", "http://profile"}};
  files.services["lab"] = {{"s3.endpoint_url", "http://services"}};
  const auto endpoint = [&](const std::string& option,
                            std::map<std::string, std::string> variables) {
    return resolve(options_for("bucket", option), std::move(variables), files)
        .custom_endpoint;
  };
  const std::map<std::string, std::string> both = {
      {"AWS_ENDPOINT_URL_S3", "http://env-s3"}, {"AWS_ENDPOINT_URL", "http://env"}};
  EXPECT_EQ(endpoint("http://option", both), "http://option");
  EXPECT_EQ(endpoint("", both), "http://env-s3");
  EXPECT_EQ(endpoint("", {{"AWS_ENDPOINT_URL", "http://env"}}), "http://env");
  EXPECT_EQ(endpoint("", {}), "http://services");
  files.profiles["default"].erase("services");
  EXPECT_EQ(endpoint("", {}), "http://profile");
  EXPECT_EQ(endpoint("", {{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"}}), "");
}

TEST(S3Config, RegionSourcesAreTriedInOrder) {
  auth::AwsConfigFiles files;
  files.profiles["work"] = {{"region", "ap-south-1"}};
  StorageOptions options = options_for("bucket");
  options.profile = "work";
  EXPECT_EQ(resolve(options, {}, files).region, "ap-south-1");
  EXPECT_EQ(resolve(options, {{"AWS_DEFAULT_REGION", "r2"}}, files).region, "r2");
  EXPECT_EQ(resolve(options, {{"AWS_DEFAULT_REGION", "r2"}, {"AWS_REGION", "r1"}}, files)
                .region,
            "r1");
  options.region = "mine";
  EXPECT_EQ(resolve(options, {{"AWS_REGION", "r1"}}, files).region, "mine");
  EXPECT_EQ(resolve(options_for("bucket"), {}, files).region, "us-east-1");
}

TEST(S3Config, CaBundleComesFromOptionEnvironmentOrProfile) {
  StorageOptions options = options_for("bucket");
  EXPECT_EQ(resolve(options, {{"AWS_CA_BUNDLE", "/env.pem"}}).ca_bundle, "/env.pem");
  options.ca_bundle = "/option.pem";
  EXPECT_EQ(resolve(options, {{"AWS_CA_BUNDLE", "/env.pem"}}).ca_bundle, "/option.pem");
}

TEST(S3Config, DefaultPortsAreNotPartOfTheHost) {
  EXPECT_EQ(
      address_in_region(resolve(options_for("bucket", "https://h.example:443")), "x")
          .host,
      "h.example");
  EXPECT_EQ(
      address_in_region(resolve(options_for("bucket", "https://h.example:444")), "x")
          .host,
      "h.example:444");
}

TEST(S3Config, UnusableSettingsAreRefusedByName) {
  const auto message = [](const StorageOptions& options) {
    return std::string(error_of([&] { resolve(options); }).what());
  };
  EXPECT_THAT(message(options_for("")), ::testing::HasSubstr("storage.bucket"));
  EXPECT_THAT(message(options_for("b--use1-az1--x-s3")),
              ::testing::HasSubstr("directory bucket"));
  EXPECT_THAT(message(options_for("arn:aws:s3:::b")), ::testing::HasSubstr("ARN"));
  EXPECT_THAT(message(options_for("bucket", "ftp://host")),
              ::testing::HasSubstr("endpoint_url"));
  EXPECT_THAT(message(options_for("bucket", "host:9000")),
              ::testing::HasSubstr("http://"));
  for (const char* url : {"http://user:pass@host", "user:pass@host", "ftp://u:pass@host",
                          "http://host?key=pass", "host#pass"}) {
    EXPECT_THAT(message(options_for("bucket", url)),
                ::testing::Not(::testing::HasSubstr("pass")));
  }
  StorageOptions style = options_for("bucket");
  style.addressing_style = "both";
  EXPECT_THAT(message(style), ::testing::HasSubstr("addressing_style"));
  StorageOptions region = options_for("bucket");
  region.region = "evil.example/#";
  EXPECT_THAT(message(region), ::testing::HasSubstr("storage.region"));
}

}  // namespace
}  // namespace cloudsync::storage::s3

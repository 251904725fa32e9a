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

std::string refusal(const StorageOptions& options,
                    std::map<std::string, std::string> variables = {},
                    const auth::AwsConfigFiles& files = {}) {
  const Error error = error_of([&] { resolve(options, std::move(variables), files); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  return error.what();
}

TEST(S3EndpointVariants, ComeFromOptionEnvironmentOrProfile) {
  auth::AwsConfigFiles files;
  files.profiles["default"] = {{"use_fips_endpoint", "true"},
                               {"use_dualstack_endpoint", "True"}};
  const StorageOptions options = options_for("bucket");
  EXPECT_EQ(url_of(resolve(options, {}, files)),
            "https://bucket.s3-fips.dualstack.us-east-1.amazonaws.com");
  EXPECT_EQ(url_of(resolve(options, {{"AWS_USE_FIPS_ENDPOINT", "false"}}, files)),
            "https://bucket.s3.dualstack.us-east-1.amazonaws.com");
  EXPECT_EQ(url_of(resolve(options, {{"AWS_USE_FIPS_ENDPOINT", "TRUE"}})),
            "https://bucket.s3-fips.us-east-1.amazonaws.com");
  EXPECT_EQ(url_of(resolve(options, {{"AWS_USE_DUALSTACK_ENDPOINT", "true"}})),
            "https://bucket.s3.dualstack.us-east-1.amazonaws.com");
  files.profiles["default"] = {{"s3.use_accelerate_endpoint", "true"}};
  const S3Config accelerated = resolve(options, {}, files);
  EXPECT_EQ(url_of(accelerated), "https://bucket.s3-accelerate.amazonaws.com");
  EXPECT_EQ(endpoint_name(accelerated), "https://s3-accelerate.amazonaws.com");
  EXPECT_THAT(refusal(options, {{"AWS_USE_FIPS_ENDPOINT", "yes"}}),
              ::testing::HasSubstr("AWS_USE_FIPS_ENDPOINT: 'yes' is neither"));
}

TEST(S3EndpointVariants, AcceleratedRequestsAreSignedForTheBucketsRegion) {
  StorageOptions options = options_for("bucket");
  options.region = "eu-west-1";
  options.use_accelerate_endpoint = true;
  const ServiceAddress address = address_in_region(resolve(options), "ap-south-1");
  EXPECT_EQ(address.host, "bucket.s3-accelerate.amazonaws.com");
  EXPECT_EQ(address.region, "ap-south-1");
}

TEST(S3EndpointVariants, ACustomEndpointExcludesThemNamingBothSettings) {
  StorageOptions options = options_for("bucket", "https://s3.example.com");
  options.use_dual_stack = true;
  EXPECT_THAT(refusal(options),
              ::testing::HasSubstr(
                  "storage.use_dual_stack and storage.endpoint_url cannot be combined"));
  EXPECT_THAT(
      refusal(options_for("bucket", "https://s3.example.com"),
              {{"AWS_USE_FIPS_ENDPOINT", "true"}}),
      ::testing::HasSubstr(
          "the environment variable AWS_USE_FIPS_ENDPOINT and storage.endpoint_url"));
  options = options_for("bucket");
  options.use_accelerate_endpoint = true;
  EXPECT_THAT(refusal(options, {{"AWS_ENDPOINT_URL", "http://env"}}),
              ::testing::HasSubstr("storage.use_accelerate_endpoint and the environment "
                                   "variable AWS_ENDPOINT_URL"));
}

TEST(S3EndpointVariants, WhatAwsDoesNotHaveIsRefused) {
  StorageOptions options = options_for("bucket");
  options.use_accelerate_endpoint = true;
  options.addressing_style = "path";
  EXPECT_THAT(refusal(options),
              ::testing::HasSubstr(
                  "storage.use_accelerate_endpoint and storage.addressing_style 'path'"));
  options.addressing_style = "auto";
  options.bucket = "dotted.bucket";
  EXPECT_THAT(refusal(options), ::testing::HasSubstr("without dots"));
  options.bucket = "bucket";
  options.use_fips_endpoint = true;
  EXPECT_THAT(
      refusal(options),
      ::testing::HasSubstr(
          "storage.use_accelerate_endpoint and storage.use_fips_endpoint cannot be"));
  options.use_accelerate_endpoint = false;
  options.region = "cn-north-1";
  EXPECT_THAT(refusal(options),
              ::testing::HasSubstr("storage.use_fips_endpoint: the regions in China"));
}

TEST(S3EndpointVariants, OtherPartitionsHaveTheirOwnNames) {
  StorageOptions options = options_for("bucket");
  for (const auto& [region, url] : std::map<std::string, std::string>{
           {"cn-north-1", "https://bucket.s3.cn-north-1.amazonaws.com.cn"},
           {"us-gov-west-1", "https://bucket.s3.us-gov-west-1.amazonaws.com"},
           {"eusc-de-east-1", "https://bucket.s3.eusc-de-east-1.amazonaws.eu"}}) {
    options.region = region;
    EXPECT_EQ(url_of(resolve(options)), url);
    EXPECT_TRUE(resolve(options).aws);
  }
  EXPECT_FALSE(resolve(options_for("bucket", "https://s3.notamazonaws.com")).aws);
}

TEST(S3Config, ACustomersKeyIsSentOverTlsOrTheLoopbackOnly) {
  const std::string key = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=";
  for (const char* safe : {"", "https://s3.example.com", "http://127.0.0.1:9000",
                           "http://localhost:9000", "http://[::1]:9000"}) {
    StorageOptions options = options_for("bucket", safe);
    options.sse_customer_key = key;
    EXPECT_EQ(resolve(options).encryption.customer_key, key) << safe;
  }
  for (const char* open : {"http://s3.example.com", "http://192.168.1.2:9000",
                           "http://127.evil.example", "http://localhost.example"}) {
    StorageOptions options = options_for("bucket", open);
    options.sse_customer_key = key;
    const std::string message = refusal(options);
    EXPECT_THAT(message,
                ::testing::HasSubstr("storage.endpoint_url must begin with https"))
        << open;
    EXPECT_THAT(message, ::testing::Not(::testing::HasSubstr(key)));
  }
}

}  // namespace
}  // namespace cloudsync::storage::s3

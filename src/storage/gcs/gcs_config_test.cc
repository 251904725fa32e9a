// SPDX-License-Identifier: Apache-2.0
#include "storage/gcs/gcs_config.h"

#include "storage/gcs/gcs_test_bench.h"

#include <gmock/gmock.h>

namespace cloudsync::storage::gcs {
namespace {

using testing::environment_of;
using testing::error_of;
using ::testing::HasSubstr;

StorageOptions options_at(const std::string& endpoint = "") {
  StorageOptions options;
  options.bucket = "bucket";
  options.endpoint_url = endpoint;
  return options;
}

GcsConfig resolve(const StorageOptions& options,
                  std::map<std::string, std::string> variables = {}) {
  return resolve_config(options, environment_of(std::move(variables)));
}

TEST(GcsConfig, GoogleIsAuthenticatedAndDeclared) {
  const GcsConfig config = resolve(options_at());
  EXPECT_EQ(config.origin, "https://storage.googleapis.com");
  EXPECT_TRUE(config.authenticate);
  EXPECT_TRUE(config.capabilities.declared);
  EXPECT_TRUE(config.capabilities.conditional_batch_delete);
  EXPECT_TRUE(config.capabilities.metadata_in_listing);
  EXPECT_TRUE(config.capabilities.sequential_parts);
  EXPECT_FALSE(config.capabilities.part_copies);
  EXPECT_EQ(config.capabilities.min_part % config.capabilities.part_multiple, 0U);
}

TEST(GcsConfig, TheEmulatorVariableMayLackItsSchemeAndGetsNoToken) {
  for (const std::string host : {"localhost:4443", "http://localhost:4443"}) {
    const GcsConfig config = resolve(options_at(), {{"STORAGE_EMULATOR_HOST", host}});
    EXPECT_EQ(config.origin, "http://localhost:4443");
    EXPECT_FALSE(config.authenticate);
    EXPECT_FALSE(config.capabilities.declared);
  }
}

TEST(GcsConfig, TheOptionsEndpointWinsOverTheEmulatorVariable) {
  const GcsConfig config = resolve(options_at("https://proxy.example/gcs/"),
                                   {{"STORAGE_EMULATOR_HOST", "localhost:1"}});
  EXPECT_EQ(config.origin, "https://proxy.example");
  EXPECT_EQ(config.base_path, "/gcs");
  EXPECT_TRUE(config.authenticate);
  EXPECT_FALSE(config.capabilities.declared);
}

TEST(GcsConfig, LoopbackAndPlainHttpGetNoTokenUnlessCredentialsAreNamed) {
  EXPECT_FALSE(resolve(options_at("http://127.0.0.1:9000")).authenticate);
  EXPECT_FALSE(resolve(options_at("https://localhost:9000")).authenticate);
  EXPECT_FALSE(resolve(options_at("http://gcs.example")).authenticate);
  StorageOptions named = options_at("http://127.0.0.1:9000");
  named.credentials["service_account_file"] = "key.json";
  EXPECT_TRUE(resolve(named).authenticate);
}

TEST(GcsConfig, ATokenIsNeverSentOverPlainHttp) {
  for (const std::string host : {"http://gcs.example", "http://127.evil.example"}) {
    StorageOptions named = options_at(host);
    named.credentials["service_account_file"] = "key.json";
    const Error error = error_of([&] { resolve(named); });
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.what(), HasSubstr("allow_http"));
  }
}

TEST(GcsConfig, AnonymousAccessToGoogleSendsNoToken) {
  StorageOptions options = options_at();
  options.credentials["anonymous"] = "true";
  EXPECT_FALSE(resolve(options).authenticate);
  EXPECT_TRUE(resolve(options).capabilities.declared);
}

TEST(GcsConfig, StorageClassesAreKnownInAnyCase) {
  EXPECT_EQ(canonical_storage_class("nearline"), "NEARLINE");
  EXPECT_EQ(canonical_storage_class("Archive"), "ARCHIVE");
  EXPECT_EQ(canonical_storage_class(""), "");
  StorageOptions options = options_at();
  options.storage_class = "GLACIER";
  const Error error = error_of([&] { resolve(options); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.what(), HasSubstr("STANDARD, NEARLINE, COLDLINE and ARCHIVE"));
}

TEST(GcsConfig, RefusesWhatIsNoEndpointWithoutQuotingAPassword) {
  for (const std::string url : {"localhost:1", "ftp://host", "http://", "http://a b"})
    EXPECT_EQ(error_of([&] { resolve(options_at(url)); }).code(),
              ErrorCode::kInvalidArgument)
        << url;
  const Error error = error_of([] { resolve(options_at("https://me:hunter2@host")); });
  EXPECT_THAT(error.what(), ::testing::Not(HasSubstr("hunter2")));
}

TEST(GcsConfig, RefusesWhatIsNoBucket) {
  for (const std::string bucket : {"", "a/b", "gs://b", ".."}) {
    StorageOptions options = options_at();
    options.bucket = bucket;
    EXPECT_EQ(error_of([&] { resolve(options); }).code(), ErrorCode::kInvalidArgument);
  }
}

TEST(GcsConfig, SessionsLiveOnlyAtTheEndpoint) {
  const GcsConfig google = resolve(options_at());
  EXPECT_TRUE(is_own_origin(google, "https://storage.googleapis.com"));
  EXPECT_TRUE(is_own_origin(google, "https://www.googleapis.com"));
  EXPECT_FALSE(is_own_origin(google, "http://storage.googleapis.com"));
  EXPECT_FALSE(is_own_origin(google, "https://storage.googleapis.com.evil.example"));
  EXPECT_FALSE(is_own_origin(google, ""));
  const GcsConfig local = resolve(options_at("http://127.0.0.1:9000"));
  EXPECT_FALSE(is_own_origin(local, "https://storage.googleapis.com"));
  EXPECT_EQ(origin_of("https://a@b/c"), "");
}

}  // namespace
}  // namespace cloudsync::storage::gcs

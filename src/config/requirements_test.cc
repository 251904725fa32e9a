// SPDX-License-Identifier: Apache-2.0
#include "config/requirements.h"

#include "config/config_testing.h"

namespace cloudsync::config {
namespace {

const std::string kS3 = "storage:\n  provider: s3\n  bucket: b\n";        // lines 1 to 3
const std::string kGcs = "storage:\n  provider: gcs\n  bucket: b\n";      // lines 1 to 3
const std::string kAzure = "storage:\n  provider: azure\n  bucket: b\n";  // lines 1 to 3
const std::string kKey = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=";  // 32 bytes

class Requirements : public ConfigTest {
 protected:
  bool refused_with(const std::string& text, const std::string& words) const {
    const std::string message = error_of(text);
    EXPECT_NE(message.find(words), std::string::npos) << text << message;
    return message.find(words) != std::string::npos;
  }
};

TEST_F(Requirements, PartsOfS3HoldToTheServiceLimits) {
  EXPECT_EQ(
      error_of(kS3 + "  chunk_size: 1MiB\n"),
      "c.yaml:4: storage.chunk_size must be from 5MiB to 5GiB, the parts that S3 takes");
  refused_with(kS3 + "  chunk_size: 6GiB\n", "from 5MiB to 5GiB");
  refused_with(kS3 + "  multipart_threshold: 6GiB\n", "at most 5GiB");
}

TEST_F(Requirements, PartsOfGoogleGrowToWhatTheServiceTakes) {
  EXPECT_EQ(error_of(kGcs + "  chunk_size: 1MiB\n"), "");
  EXPECT_EQ(error_of(kGcs + "  chunk_size: 8MiB\n  multipart_threshold: 6GiB\n"), "");
  refused_with(kGcs + "  chunk_size: 6TiB\n",
               "at most 5TiB, the parts that Google Cloud Storage takes");
}

TEST_F(Requirements, PartsOfAzureHoldToTheServiceLimits) {
  EXPECT_EQ(error_of(kAzure + "  chunk_size: 1MiB\n"), "");
  EXPECT_EQ(error_of(kAzure + "  chunk_size: 4000MiB\n"), "");
  EXPECT_EQ(error_of(kAzure + "  chunk_size: 4001MiB\n"),
            "c.yaml:4: storage.chunk_size must be at most 4000MiB, the parts that Azure "
            "takes");
  EXPECT_EQ(error_of(kAzure + "  multipart_threshold: 5000MiB\n"), "");
  refused_with(kAzure + "  multipart_threshold: 5001MiB\n", "at most 5000MiB");
}

TEST_F(Requirements, ALocalStoreHasNoLimits) {
  EXPECT_EQ(error_of(kMinimal + "  chunk_size: 1MiB\n"), "");
  EXPECT_EQ(error_of(kMinimal + "  multipart_threshold: 6TiB\n"), "");
}

TEST_F(Requirements, AnonymousIsForAllCloudsAndForNothingBeside) {
  for (const std::string& provider : {kS3, kGcs, kAzure}) {
    EXPECT_EQ(error_of(provider + "  credentials:\n    anonymous: true\n"), "");
    EXPECT_EQ(error_of(provider + "  credentials:\n    anonymous: false\n"), "");
  }
  EXPECT_EQ(error_of(kAzure + "  credentials: {anonymous: true, account_name: a}\n"), "");
  EXPECT_EQ(error_of(kGcs + "  credentials:\n    service_account_file: x.json\n"
                            "    anonymous: true\n"),
            "c.yaml:6: storage.credentials.anonymous is given beside "
            "storage.credentials.service_account_file; give one or the other");
  refused_with(kAzure + "  credentials: {anonymous: true, sas_token: abcdef}\n",
               "given beside storage.credentials.sas_token");
  refused_with(kS3 + "  credentials: {anonymous: true, aws_access_key_id: AKIA}\n",
               "given beside storage.credentials.aws_access_key_id");
  refused_with(kMinimal + "  credentials:\n    anonymous: true\n",
               "takes no credentials");
}

TEST_F(Requirements, TwoDifferentAzureAccountsAreOneTooMany) {
  EXPECT_EQ(error_of(kAzure + "  account: one\n  credentials:\n    account_name: two\n"),
            "c.yaml:6: storage.credentials.account_name is 'two' but storage.account is "
            "'one' (c.yaml:4); give one of them");
  EXPECT_EQ(error_of(kAzure + "  account: one\n  credentials: {account_name: one}\n"),
            "");
  EXPECT_EQ(error_of(kAzure), "");
}

TEST_F(Requirements, SettingsOfS3AreRefusedElsewhereByNameAndOrigin) {
  EXPECT_EQ(error_of(kGcs + "  requester_pays: true\n"),
            "c.yaml:4: storage.requester_pays belongs to provider s3, not to gcs");
  for (const std::string key : {"requester_pays", "use_dual_stack", "use_fips_endpoint",
                                "use_accelerate_endpoint"}) {
    refused_with(kAzure + "  " + key + ": true\n",
                 "storage." + key + " belongs to provider s3, not to azure");
    EXPECT_EQ(error_of(kMinimal + "  " + key + ": false\n"), "");
  }
  refused_with(kMinimal + "  server_side_encryption: AES256\n", "not to local");
  refused_with(kMinimal + "  sse_kms_key_id: k\n", "not to local");
  const std::string message = error_of(kMinimal + "  sse_customer_key: " + kKey + "\n");
  EXPECT_NE(message.find("storage.sse_customer_key belongs"), std::string::npos);
  EXPECT_EQ(message.find(kKey), std::string::npos);
  environment_["CLOUDSYNC_STORAGE_REQUESTER_PAYS"] = "true";
  refused_with(kGcs, "environment CLOUDSYNC_STORAGE_REQUESTER_PAYS: storage.requester");
}

TEST_F(Requirements, EncryptionSettingsFitTogether) {
  EXPECT_EQ(error_of(kS3 + "  server_side_encryption: aws:kms\n  sse_kms_key_id: k\n"),
            "");
  EXPECT_EQ(error_of(kS3 + "  sse_kms_key_id: k\n"),
            "c.yaml:4: storage.sse_kms_key_id needs storage.server_side_encryption "
            "aws:kms or aws:kms:dsse");
  refused_with(kS3 + "  server_side_encryption: AES256\n  sse_kms_key_id: k\n",
               "c.yaml:5: storage.sse_kms_key_id needs");
  EXPECT_EQ(error_of(kS3 + "  sse_customer_key: " + kKey + "\n"), "");
  refused_with(
      kS3 + "  server_side_encryption: AES256\n  sse_customer_key: " + kKey + "\n",
      "c.yaml:5: storage.sse_customer_key and storage.server_side_encryption "
      "(c.yaml:4) cannot be combined");
}

TEST_F(Requirements, ACustomersKeyHas32BytesAndIsNeverTold) {
  for (const std::string key : {"bm90IGxvbmcgZW5vdWdo", "not base64 at all, geheim"}) {
    const std::string message = error_of(kS3 + "  sse_customer_key: \"" + key + "\"\n");
    EXPECT_NE(message.find("c.yaml:4: storage.sse_customer_key must be 32 bytes"),
              std::string::npos)
        << message;
    EXPECT_EQ(message.find(key), std::string::npos);
  }
}

TEST_F(Requirements, EndpointsOfAwsAndAnotherEndpointExcludeEachOther) {
  for (const std::string key :
       {"use_dual_stack", "use_fips_endpoint", "use_accelerate_endpoint"}) {
    refused_with(kS3 + "  endpoint_url: https://host\n  " + key + ": true\n",
                 "c.yaml:5: storage." + key +
                     " and storage.endpoint_url (c.yaml:4) cannot be combined");
    EXPECT_EQ(error_of(kS3 + "  " + key + ": true\n"), "");
  }
  refused_with(kS3 + "  addressing_style: path\n  use_accelerate_endpoint: true\n",
               "c.yaml:5: storage.use_accelerate_endpoint and storage.addressing_style "
               "path (c.yaml:4) cannot be combined");
}

}  // namespace
}  // namespace cloudsync::config

// SPDX-License-Identifier: Apache-2.0
#include "config/config_testing.h"

namespace cloudsync::config {
namespace {

using ConfigErrors = ConfigTest;

TEST_F(ConfigErrors, UnknownKeyNamesKeyLineAndNearestKey) {
  EXPECT_EQ(error_of(kMinimal + "max_worker: 4\n"),
            "c.yaml:4: unknown key \"max_worker\"; did you mean \"max_workers\"?");
  EXPECT_EQ(error_of(kMinimal + "  buket: x\n"),
            "c.yaml:4: unknown key \"storage.buket\"; did you mean \"storage.bucket\"?");
  EXPECT_NE(error_of(kMinimal + "frobnicate: 1\n").find("the nearest known key is \""),
            std::string::npos);
}

TEST_F(ConfigErrors, BareStorageClassPointsToItsGroup) {
  EXPECT_EQ(
      error_of(kMinimal + "storage_class: GLACIER\n"),
      "c.yaml:4: unknown key \"storage_class\"; did you mean \"storage.storage_class\"?");
}

TEST_F(ConfigErrors, ValuesNameKeyLineAndWhatIsTaken) {
  EXPECT_EQ(
      error_of(kMinimal + "conflict_strategy: newest\n"),
      "c.yaml:4: conflict_strategy: \"newest\" is not one of timestamp_wins, local_wins, "
      "cloud_wins, manual, version_preserve");
  EXPECT_EQ(error_of(kMinimal + "\ntrash: maybe\n"),
            "c.yaml:5: trash: \"maybe\" is not true or false");
  EXPECT_EQ(error_of(kMinimal + "retry_attempts: -1\n"),
            "c.yaml:4: retry_attempts: \"-1\" is not a whole number from 0 to 100");
  EXPECT_EQ(error_of(kMinimal + "  chunk_size: 0\n"),
            "c.yaml:4: storage.chunk_size: a chunk cannot be empty");
  EXPECT_NE(error_of(kMinimal + "sync_state_db: \"\"\n").find("is empty"),
            std::string::npos);
}

TEST_F(ConfigErrors, EnvironmentAndFlagsAreNamedAsTheOrigin) {
  environment_["CLOUDSYNC_MAX_WORKERS"] = "lots";
  EXPECT_EQ(
      error_of(kMinimal),
      "environment CLOUDSYNC_MAX_WORKERS: max_workers: \"lots\" is not auto or a whole "
      "number from 1 to 1024");
  flags_["max_workers"] = "0";
  EXPECT_EQ(error_of(kMinimal),
            "flag: max_workers: \"0\" is not auto or a whole number from 1 to 1024");
}

TEST_F(ConfigErrors, UnsetVariableNamesVariableKeyAndLine) {
  EXPECT_EQ(error_of(kMinimal + "  bucket: ${BUCKET}\n"),
            "c.yaml:4: storage.bucket: the environment variable BUCKET is not set; set "
            "it, or give "
            "a default with ${BUCKET:default}");
}

TEST_F(ConfigErrors, MissingRequiredKeysAreNamed) {
  EXPECT_EQ(
      error_of("max_workers: 4\n"),
      "c.yaml: storage.provider is missing; it must be one of s3, gcs, azure, local");
  EXPECT_EQ(
      error_of("storage:\n  provider: s3\n"),
      "c.yaml: storage.bucket is missing; give the name of the bucket or container");
  EXPECT_EQ(
      error_of("storage:\n  provider: local\n"),
      "c.yaml: storage.path is missing; provider local needs the folder that holds the "
      "buckets");
  EXPECT_NE(error_of("").find("storage.provider is missing"), std::string::npos);
}

TEST_F(ConfigErrors, CredentialsOfAnotherProviderNameTheRightOnes) {
  EXPECT_EQ(error_of("storage:\n  provider: s3\n  bucket: b\n  credentials:\n"
                     "    account_key: abcdef\n"),
            "c.yaml:5: storage.credentials.account_key does not belong to provider s3, "
            "which takes "
            "aws_access_key_id, aws_secret_access_key, aws_session_token, anonymous");
  EXPECT_EQ(
      error_of("storage:\n  provider: gcs\n  bucket: b\n  credentials:\n"
               "    aws_access_key_id: x\n"),
      "c.yaml:5: storage.credentials.aws_access_key_id does not belong to provider gcs, "
      "which takes service_account_file, anonymous");
  EXPECT_EQ(
      error_of(kMinimal + "  credentials:\n    sas_token: abcdef\n"),
      "c.yaml:5: storage.credentials.sas_token does not belong to provider local, which "
      "takes no credentials");
}

TEST_F(ConfigErrors, CredentialsOfEveryProviderAreTaken) {
  EXPECT_EQ(error_of("storage:\n  provider: gcs\n  bucket: b\n  credentials:\n"
                     "    service_account_file: x.json\n"),
            "");
  EXPECT_EQ(
      error_of(
          "storage:\n  provider: azure\n  bucket: b\n  credentials:\n"
          "    {connection_string: a, account_name: b, account_key: c, sas_token: d, "
          "tenant_id: e, client_id: f, client_secret: g}\n"),
      "");
}

TEST_F(ConfigErrors, HalfAKeyPairNamesTheOtherHalf) {
  const std::string message = error_of(
      "storage:\n  provider: s3\n  bucket: b\n  credentials:\n    aws_access_key_id: "
      "AKIA\n");
  EXPECT_EQ(
      message,
      "c.yaml:5: storage.credentials.aws_access_key_id is given without "
      "storage.credentials.aws_secret_access_key; give both, or none for the ordinary "
      "chain");
}

TEST_F(ConfigErrors, ShapesAreChecked) {
  EXPECT_EQ(
      error_of("storage: s3\n"),
      "c.yaml:1: storage holds keys of its own, indented below it; it takes no value");
  EXPECT_EQ(error_of(kMinimal + "filters: \"- *.tmp\"\n"),
            "c.yaml:4: filters must be a list, one \"- ...\" item a line");
  EXPECT_EQ(error_of(kMinimal + "trash: [true]\n"),
            "c.yaml:4: trash takes one value, not a list");
  EXPECT_NE(error_of(kMinimal + "trash: {x: 1}\n").find("unknown key \"trash.x\""),
            std::string::npos);
}

TEST_F(ConfigErrors, BadFilterRuleNamesItsLineAndRule) {
  const std::string message = error_of(kMinimal + "filters:\n  - \"*.tmp\"\n");
  EXPECT_EQ(message.substr(0, 17), "c.yaml:4: filters");
  EXPECT_NE(message.find("*.tmp"), std::string::npos);
}

TEST_F(ConfigErrors, SecretsNeverEnterMessages) {
  const std::string message = error_of(
      "storage:\n  provider: s3\n  bucket: b\n  credentials:\n    client_secret: "
      "geheimnis\n");
  EXPECT_EQ(message.find("geheimnis"), std::string::npos);
}

TEST_F(ConfigErrors, NoConfigurationFileNamesEveryPlace) {
  environment_["HOME"] = directory_;
  try {
    find_config_file(lookup());
    FAIL();
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(message.find("--config"), std::string::npos);
    EXPECT_NE(message.find("./cloudsync.yaml"), std::string::npos);
    EXPECT_NE(message.find("./config/storage_config.yaml"), std::string::npos);
    EXPECT_NE(message.find(directory_ + "/.config/cloudsync/config.yaml"),
              std::string::npos);
  }
}

TEST_F(ConfigErrors, NamedConfigurationFileIsNeverPassedOver) {
  environment_["CLOUDSYNC_CONFIG"] = "/nonexistent.yaml";
  EXPECT_EQ(find_config_file(lookup()), "/nonexistent.yaml");
}

TEST_F(ConfigErrors, HomeConfigurationIsFound) {
  environment_["HOME"] = directory_;
  std::filesystem::create_directories(directory_ + "/.config/cloudsync");
  const std::string path = directory_ + "/.config/cloudsync/config.yaml";
  std::ofstream(path) << kMinimal;
  EXPECT_EQ(find_config_file(lookup()), path);
}

}  // namespace
}  // namespace cloudsync::config

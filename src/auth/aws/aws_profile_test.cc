// SPDX-License-Identifier: Apache-2.0
#include "auth/aws/aws_profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "auth/auth_testing.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

using Sections = std::map<std::string, ProfileProperties>;

json load_vectors(const std::string& name) {
  const char* root = std::getenv("CLOUDSYNC_VECTORS");
  if (root == nullptr) return nullptr;
  std::ifstream file(std::string(root) + "/aws-config/runtime/" + name);
  return file ? json::parse(file) : json(nullptr);
}

// The vectors give a nested block as text only; its "block.name" entries are extra here.
Sections without_nested_entries(Sections sections) {
  for (auto& [name, properties] : sections) {
    std::erase_if(properties, [](const auto& entry) {
      return entry.first.find('.') != std::string::npos;
    });
  }
  return sections;
}

void check_parser_case(const json& test) {
  SCOPED_TRACE(test.at("name").get<std::string>());
  const std::string config = test.at("input").value("configFile", "");
  const std::string credentials = test.at("input").value("credentialsFile", "");
  const json& output = test.at("output");
  if (output.contains("errorContaining")) {
    const Error error = error_of([&] { parse_aws_config(config, credentials); });
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.what(), HasSubstr(output.at("errorContaining").get<std::string>()));
    return;
  }
  const auto files = parse_aws_config(config, credentials);
  const json& expected = output.at("config");
  EXPECT_EQ(without_nested_entries(files.profiles),
            expected.at("profiles").get<Sections>());
  EXPECT_EQ(files.sso_sessions, expected.value("sso_sessions", Sections()));
}

TEST(AwsProfileVectors, ParseAsTheSdksDo) {
  const json vectors = load_vectors("profile-parser-tests.json");
  if (vectors.is_null()) {
    GTEST_SKIP() << "CLOUDSYNC_VECTORS names no folder with the profile parser tests";
  }
  for (const json& test : vectors.at("tests")) check_parser_case(test);
  EXPECT_GE(vectors.at("tests").size(), 65U);
}

TEST(AwsProfileVectors, FilesAreLookedForWhereTheSdksLook) {
  const json vectors = load_vectors("file-location-tests.json");
  if (vectors.is_null()) {
    GTEST_SKIP() << "CLOUDSYNC_VECTORS names no folder with the file location tests";
  }
  for (const json& test : vectors.at("tests")) {
    if (test.at("platform") != "linux") continue;
    SCOPED_TRACE(test.at("name").get<std::string>());
    const auto environment =
        environment_of(test.at("environment").get<std::map<std::string, std::string>>());
    const AwsConfigPaths paths = aws_config_paths(environment);
    EXPECT_EQ(paths.config, test.at("configLocation"));
    EXPECT_EQ(paths.credentials, test.at("credentialsLocation"));
    EXPECT_EQ(selected_profile(environment, ""), test.value("profile", "default"));
  }
}

TEST(AwsProfile, CredentialsFileOverridesConfigFile) {
  const auto files = parse_aws_config("[profile a]\nx = 1\ny = 2", "[a]\nY = 3 ; note");
  const ProfileProperties expected = {{"x", "1"}, {"y", "3"}};
  EXPECT_EQ(files.profiles.at("a"), expected);
}

TEST(AwsProfile, NestedBlocksAreReachableByDottedNames) {
  const auto files = parse_aws_config(
      "[profile a]\ns3 =\n  # note\n  Endpoint_URL = http://h\n  max = 2 # two\n"
      "[services dev]\ns3 =\n  endpoint_url = http://g\n[profile b]\n",
      "");
  EXPECT_EQ(files.profiles.at("a").at("s3.endpoint_url"), "http://h");
  EXPECT_EQ(files.profiles.at("a").at("s3.max"), "2");
  EXPECT_EQ(files.services.at("dev").at("s3.endpoint_url"), "http://g");
  EXPECT_TRUE(files.profiles.at("b").empty());
}

TEST(AwsProfile, LaterBlockReplacesTheEarlierOne) {
  const auto files = parse_aws_config("[default]\ns3 =\n  a = 1\ns3 =\n  b = 2\n", "");
  EXPECT_EQ(files.profiles.at("default").count("s3.a"), 0U);
  EXPECT_EQ(files.profiles.at("default").at("s3.b"), "2");
}

TEST(AwsProfile, ByteOrderMarkIsIgnored) {
  EXPECT_EQ(parse_aws_config("\xEF\xBB\xBF[default]\na = 1", "").profiles.size(), 1U);
}

TEST(AwsProfile, MalformedLineIsNamedByFileAndNumberButNotShown) {
  const Error error =
      error_of([] { parse_aws_config("", "[a]\naws_secret_access_key hunter22\n"); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.what(), HasSubstr("AWS credentials file:2: "));
  EXPECT_THAT(error.what(), Not(HasSubstr("hunter22")));
}

TEST(AwsProfile, MissingFilesCountAsEmpty) {
  const ScratchHome home;
  const auto files = load_aws_config(home.environment());
  EXPECT_TRUE(files.profiles.empty());
}

TEST(AwsProfile, EmptyFilesCountAsEmpty) {
  const ScratchHome home;
  home.write("config", "");
  home.write("credentials", "");
  EXPECT_TRUE(load_aws_config(home.environment()).profiles.empty());
}

TEST(AwsProfile, FilesAreReadFromHomeAndTildeMeansHome) {
  const ScratchHome home;
  home.write("config", "[profile a]\nregion = r\n");
  home.write("other", "[a]\naws_access_key_id = k\n");
  const auto files = load_aws_config(
      home.environment({{"AWS_SHARED_CREDENTIALS_FILE", "~/.aws/other"}}));
  EXPECT_EQ(files.profiles.at("a").at("region"), "r");
  EXPECT_EQ(files.profiles.at("a").at("aws_access_key_id"), "k");
  EXPECT_THAT(files.places, HasSubstr(home.path() + "/.aws/other"));
}

TEST(AwsProfile, UnreadableOrMalformedFileIsNamed) {
  const ScratchHome home;
  std::filesystem::create_directories(home.path() + "/.aws/config");
  Error error = error_of([&] { load_aws_config(home.environment()); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.what(), HasSubstr(home.path() + "/.aws/config"));
  home.write("credentials", "oops\n");
  error = error_of(
      [&] { load_aws_config(home.environment({{"AWS_CONFIG_FILE", "/dev/null"}})); });
  EXPECT_THAT(error.what(), HasSubstr(home.path() + "/.aws/credentials:1: "));
}

TEST(AwsProfile, SelectedProfilePrefersTheExplicitNameThenTheVariables) {
  const auto both = environment_of({{"AWS_PROFILE", "p"}, {"AWS_DEFAULT_PROFILE", "d"}});
  EXPECT_EQ(selected_profile(both, "x"), "x");
  EXPECT_EQ(selected_profile(both, ""), "p");
  EXPECT_EQ(selected_profile(
                environment_of({{"AWS_PROFILE", " "}, {"AWS_DEFAULT_PROFILE", "d"}}), ""),
            "d");
  EXPECT_EQ(selected_profile(environment_of({}), ""), "default");
}

}  // namespace
}  // namespace cloudsync::auth

// SPDX-License-Identifier: Apache-2.0
#include "auth/google/google_auth_testing.h"

#include <unistd.h>

namespace cloudsync::auth::google {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kAdc[] = ".config/gcloud/application_default_credentials.json";

class CredentialSearchTest : public GoogleCredentialsFixture {
 protected:
  // Answers with the refresh token it was given, so that the file shows.
  void SetUp() override {
    variables_["NO_GCE_CHECK"] = "true";
    internet_.serve(kOauthUrl, [](const FakeRequest& request) {
      return scripted_response(
          200, {}, token_json("token-of-" + request.form().at("refresh_token")));
    });
  }
  static json user(const std::string& name) {
    json document = authorized_user_json();
    document["refresh_token"] = name;
    return document;
  }
};

TEST_F(CredentialSearchTest, ConfigurationThenVariableThenGcloud) {
  write("a.json", user("configured"));
  write("b.json", user("variable"));
  home_.write(kAdc, user("logged-in").dump());
  variables_["GOOGLE_APPLICATION_CREDENTIALS"] = home_ / "b.json";
  EXPECT_EQ(provider(home_ / "a.json")->token({})->value, "token-of-configured");
  EXPECT_EQ(provider("~/a.json")->token({})->value, "token-of-configured");
  EXPECT_EQ(provider()->token({})->value, "token-of-variable");
  variables_["GOOGLE_APPLICATION_CREDENTIALS"] = " ";
  EXPECT_EQ(provider()->token({})->value, "token-of-logged-in");
}

TEST_F(CredentialSearchTest, GcloudsFolderCanBeElsewhere) {
  home_.write("elsewhere/application_default_credentials.json", user("moved").dump());
  variables_["CLOUDSDK_CONFIG"] = home_ / "elsewhere";
  EXPECT_EQ(provider()->token({})->value, "token-of-moved");
}

TEST_F(CredentialSearchTest, NamedFileThatIsMissingIsNotPassedOver) {
  home_.write(kAdc, user("logged-in").dump());
  variables_["GOOGLE_APPLICATION_CREDENTIALS"] = home_ / "missing.json";
  const Error error = failure_of(*provider());
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(error.what(),
              AllOf(HasSubstr("GOOGLE_APPLICATION_CREDENTIALS"),
                    HasSubstr(home_ / "missing.json"), HasSubstr("No such file")));
}

TEST_F(CredentialSearchTest, UnreadableFileIsNotPassedOver) {
  home_.write(kAdc, "not json");
  EXPECT_THAT(failure_of(*provider()).what(),
              AllOf(HasSubstr(home_ / kAdc), HasSubstr("no JSON object")));
  if (::geteuid() == 0) return;  // root reads everything
  std::filesystem::permissions(home_ / kAdc, std::filesystem::perms::none);
  EXPECT_THAT(failure_of(*provider()).what(),
              AllOf(HasSubstr(home_ / kAdc), HasSubstr("Permission denied")));
}

TEST_F(CredentialSearchTest, EveryPlaceSearchedIsNamed) {
  const Error error = failure_of(*provider());
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_FALSE(error.retryable());
  EXPECT_THAT(error.what(), AllOf(HasSubstr("GOOGLE_APPLICATION_CREDENTIALS (not set)"),
                                  HasSubstr((home_ / kAdc) + " (no such file)"),
                                  HasSubstr("NO_GCE_CHECK"),
                                  HasSubstr("gcloud auth application-default login")));
  variables_.erase("NO_GCE_CHECK");
  EXPECT_THAT(failure_of(*provider()).what(),
              HasSubstr("the metadata server (no answer at 169.254.169.254)"));
  variables_["HOME"] = "";
  EXPECT_THAT(failure_of(*provider()).what(), HasSubstr("HOME is not set"));
}

TEST_F(CredentialSearchTest, LoginDuringTheRunIsFound) {
  const auto tokens = provider();
  EXPECT_EQ(failure_of(*tokens).code(), ErrorCode::kUnauthenticated);
  home_.write(kAdc, user("later").dump());
  clock_.advance(std::chrono::seconds(5));
  EXPECT_EQ(tokens->token({})->value, "token-of-later");
}

TEST_F(CredentialSearchTest, AnonymousAsksNobody) {
  GoogleCredentialOptions options;
  options.anonymous = true;
  options.service_account_file = "/missing";
  const auto tokens = make_google_credentials(options, world());
  EXPECT_EQ(tokens->token({}), std::nullopt);
  tokens->invalidate({});
  EXPECT_TRUE(internet_.requests().empty());
}

TEST_F(CredentialSearchTest, TypesThatCannotBeUsedAreRefusedByName) {
  EXPECT_THAT(failure_for({{"type", "magic"}}).what(),
              AllOf(HasSubstr("\"magic\""), HasSubstr("authorized_user")));
  EXPECT_THAT(failure_for({{"key", "x"}}).what(), HasSubstr("\"type\""));
  EXPECT_THAT(failure_for({{"installed", {{"client_id", "x"}}}}).what(),
              HasSubstr("file of an OAuth client"));
  const Error gdch = failure_for({{"type", "gdch_service_account"}});
  EXPECT_EQ(gdch.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(gdch.what(), HasSubstr("s3://"));
}

}  // namespace
}  // namespace cloudsync::auth::google

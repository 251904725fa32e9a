// SPDX-License-Identifier: Apache-2.0
#include "auth/google/google_auth_testing.h"
#include "base/log.h"

namespace cloudsync::auth::google {
namespace {

using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class AuthorizedUserTest : public GoogleCredentialsFixture {};

json workforce_user_json() {
  return {
      {"type", "external_account_authorized_user"},
      {"audience", "//iam.googleapis.com/locations/global/workforcePools/p/providers/q"},
      {"client_id", "id"},
      {"client_secret", "workforce-secret"},
      {"refresh_token", "first-refresh-token"},
      {"token_url", "https://sts.googleapis.com/v1/oauthtoken"}};
}

TEST_F(AuthorizedUserTest, RefreshTokenIsExchanged) {
  internet_.serve(kOauthUrl, [](const FakeRequest& request) {
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.form(), (FormFields{{"grant_type", "refresh_token"},
                                          {"client_id", "client.apps.example"},
                                          {"client_secret", "client-secret-value"},
                                          {"refresh_token", "refresh-token-value"}}));
    return scripted_response(200, {}, token_json("user-token"));
  });
  const auto token = provider_for(authorized_user_json())->token({});
  EXPECT_EQ(token->value, "user-token");
  EXPECT_EQ(token->quota_project, "payer");
  EXPECT_THAT(token->origin, HasSubstr("user credentials in " + (home_ / "key.json")));
}

TEST_F(AuthorizedUserTest, EnvironmentSaysWhoPays) {
  internet_.serve(kOauthUrl, 200, token_json("user-token"));
  variables_["GOOGLE_CLOUD_QUOTA_PROJECT"] = "other-payer";
  EXPECT_EQ(provider_for(authorized_user_json())->token({})->quota_project,
            "other-payer");
  variables_["GOOGLE_CLOUD_QUOTA_PROJECT"] = "a\r\nb";
  EXPECT_EQ(failure_for(authorized_user_json()).code(), ErrorCode::kUnauthenticated);
}

TEST_F(AuthorizedUserTest, RevokedLoginSaysHowToLogInAgain) {
  internet_.serve(
      kOauthUrl, 400,
      R"({"error":"invalid_grant","error_description":"Token has been expired or revoked."})");
  const Error error = failure_for(authorized_user_json());
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(
      error.what(),
      AllOf(HasSubstr("invalid_grant: Token has been expired or revoked."),
            HasSubstr("gcloud auth application-default login"),
            HasSubstr(home_ / "key.json"), Not(HasSubstr("refresh-token-value"))));
}

TEST_F(AuthorizedUserTest, NewLoginIsUsedAfterARevokedOne) {
  internet_.serve(kOauthUrl, [](const FakeRequest& request) {
    if (request.form().at("refresh_token") == "new-login") {
      return scripted_response(200, {}, token_json("user-token"));
    }
    return scripted_response(400, {}, R"({"error":"invalid_grant"})");
  });
  const auto tokens = provider_for(authorized_user_json());
  EXPECT_EQ(failure_of(*tokens).code(), ErrorCode::kUnauthenticated);
  json fresh = authorized_user_json();
  fresh["refresh_token"] = "new-login";
  write("key.json", fresh);
  clock_.advance(std::chrono::seconds(5));
  EXPECT_EQ(tokens->token({})->value, "user-token");
}

TEST_F(AuthorizedUserTest, EachMissingFieldIsNamed) {
  for (const char* field : {"client_id", "client_secret", "refresh_token"}) {
    json document = authorized_user_json();
    document.erase(field);
    EXPECT_THAT(failure_for(document).what(),
                HasSubstr(std::string("the field \"") + field + "\""));
  }
}

TEST_F(AuthorizedUserTest, SecretsAreRegistered) {
  internet_.serve(kOauthUrl, 200, token_json("user-token"));
  provider_for(authorized_user_json())->token({});
  EXPECT_EQ(base::redacted("client-secret-value refresh-token-value user-token"),
            "*** *** ***");
}

TEST_F(AuthorizedUserTest, WorkforceUserAuthenticatesTheClientAndKeepsTheNewestToken) {
  std::vector<std::string> sent;
  internet_.serve("https://sts.googleapis.com/v1/oauthtoken",
                  [&](const FakeRequest& request) {
                    EXPECT_EQ(request.headers.at("authorization"),
                              "Basic aWQ6d29ya2ZvcmNlLXNlY3JldA==");
                    EXPECT_EQ(request.form().at("grant_type"), "refresh_token");
                    EXPECT_EQ(request.form().size(), 2U);
                    sent.push_back(request.form().at("refresh_token"));
                    json reply = json::parse(token_json("workforce-token"));
                    if (sent.size() == 1) reply["refresh_token"] = "second-refresh-token";
                    return scripted_response(200, {}, reply.dump());
                  });
  const auto tokens = provider_for(workforce_user_json());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(tokens->token({})->value, "workforce-token");
    clock_.advance(seconds(3600));
  }
  EXPECT_EQ(sent, (std::vector<std::string>{"first-refresh-token", "second-refresh-token",
                                            "second-refresh-token"}));
  EXPECT_EQ(base::redacted("second-refresh-token"), "***");
}

TEST_F(AuthorizedUserTest, ExpiredWorkforceSessionSaysWhatToDo) {
  internet_.serve("https://sts.googleapis.com/v1/oauthtoken", 400,
                  R"({"error":"invalid_grant","error_description":"Session expired"})");
  EXPECT_THAT(failure_for(workforce_user_json()).what(),
              AllOf(HasSubstr("Session expired"), HasSubstr("workforce pool")));
}

}  // namespace
}  // namespace cloudsync::auth::google

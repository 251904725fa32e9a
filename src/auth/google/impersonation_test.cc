// SPDX-License-Identifier: Apache-2.0
#include "auth/google/google_auth_testing.h"
#include "base/log.h"

namespace cloudsync::auth::google {
namespace {

using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kOuterUrl[] =
    "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"
    "outer@p.iam.gserviceaccount.com:generateAccessToken";

class ImpersonationTest : public GoogleCredentialsFixture {
 protected:
  static json impersonated(const json& source, const char* url = kIamUrl) {
    return {{"type", "impersonated_service_account"},
            {"service_account_impersonation_url", url},
            {"delegates", json::array()},
            {"source_credentials", source}};
  }
  static std::string iam_json(const std::string& token,
                              const std::string& end = "2027-01-15T09:00:00Z") {
    return json{{"accessToken", token}, {"expireTime", end}}.dump();
  }
};

TEST_F(ImpersonationTest, UserGetsTheTokenOfTheServiceAccount) {
  internet_.serve(kOauthUrl, 200, token_json("user-token"));
  internet_.serve(kIamUrl, [](const FakeRequest& request) {
    EXPECT_EQ(request.headers.at("authorization"), "Bearer user-token");
    EXPECT_EQ(request.headers.at("content-type"), "application/json");
    EXPECT_EQ(json::parse(request.body),
              (json{{"scope", {kStorageScope}}, {"lifetime", "3600s"}}));
    return scripted_response(200, {}, iam_json("robot-token"));
  });
  json document = impersonated(authorized_user_json());
  document["quota_project_id"] = "outer-payer";
  const auto token = provider_for(document)->token({});
  EXPECT_EQ(token->value, "robot-token");
  EXPECT_EQ(token->expires_ns, kTestStart + 3600 * kTestSecond);
  EXPECT_EQ(token->quota_project, "outer-payer");
  EXPECT_EQ(base::redacted("robot-token"), "***");
}

TEST_F(ImpersonationTest, SourceServiceAccountAsksForCloudPlatform) {
  internet_.serve(kOauthUrl, [](const FakeRequest& request) {
    const auto jwt = decode_jwt(request.form().at("assertion"), test_key());
    EXPECT_EQ(jwt.claims["scope"], kCloudPlatformScope);
    return scripted_response(200, {}, token_json("source-token"));
  });
  internet_.serve(kIamUrl, 200, iam_json("robot-token"));
  EXPECT_EQ(provider_for(impersonated(service_account_json()))->token({})->value,
            "robot-token");
}

TEST_F(ImpersonationTest, DelegatesAreSentByTheirFullNames) {
  internet_.serve(kOauthUrl, 200, token_json("user-token"));
  internet_.serve(kIamUrl, [](const FakeRequest& request) {
    EXPECT_EQ(json::parse(request.body)["delegates"],
              (json{"projects/-/serviceAccounts/a@p", "projects/-/serviceAccounts/b@p"}));
    return scripted_response(200, {}, iam_json("robot-token"));
  });
  json document = impersonated(authorized_user_json());
  document["delegates"] = {"a@p", "projects/-/serviceAccounts/b@p"};
  provider_for(document)->token({});
  EXPECT_EQ(internet_.requests().size(), 2U);
}

TEST_F(ImpersonationTest, ChainsAreFollowed) {
  internet_.serve(kOauthUrl, 200, token_json("user-token"));
  internet_.serve(kIamUrl, [](const FakeRequest& request) {
    EXPECT_EQ(json::parse(request.body)["scope"], (json{kCloudPlatformScope}));
    return scripted_response(200, {}, iam_json("inner-token"));
  });
  internet_.serve(kOuterUrl, [](const FakeRequest& request) {
    EXPECT_EQ(request.headers.at("authorization"), "Bearer inner-token");
    return scripted_response(200, {}, iam_json("outer-token"));
  });
  const json document = impersonated(impersonated(authorized_user_json()), kOuterUrl);
  EXPECT_EQ(provider_for(document)->token({})->value, "outer-token");
}

TEST_F(ImpersonationTest, WholeChainIsRenewed) {
  int round = 0;
  internet_.serve(kOauthUrl, [&](const FakeRequest&) {
    return scripted_response(200, {}, token_json("user-" + std::to_string(++round)));
  });
  internet_.serve(kIamUrl, [&](const FakeRequest& request) {
    EXPECT_EQ(request.headers.at("authorization"),
              "Bearer user-" + std::to_string(round));
    return scripted_response(
        200, {},
        iam_json("robot-" + std::to_string(round),
                 base::format_rfc3339(clock_.now_ns() + 3600 * kTestSecond)));
  });
  const auto tokens = provider_for(impersonated(authorized_user_json()));
  EXPECT_EQ(tokens->token({})->value, "robot-1");
  clock_.advance(seconds(3600 - 200));
  EXPECT_EQ(tokens->token({})->value, "robot-2");
}

TEST_F(ImpersonationTest, MissingRightIsNamedWithItsPlace) {
  internet_.serve(kOauthUrl, 200, token_json("user-token"));
  internet_.serve(
      kIamUrl, 403,
      R"({"error":{"code":403,"message":"Permission 'iam.serviceAccounts.getAccessToken' denied","status":"PERMISSION_DENIED"}})");
  const Error error = failure_for(impersonated(authorized_user_json()));
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_EQ(error.detail().http_status, 403);
  EXPECT_THAT(error.what(),
              AllOf(HasSubstr("denied (HTTP 403)"), HasSubstr(home_ / "key.json"),
                    HasSubstr("roles/iam.serviceAccountTokenCreator on "
                              "robot@p.iam.gserviceaccount.com"),
                    HasSubstr("user credentials in")));
}

TEST_F(ImpersonationTest, UnusableAnswersAreErrors) {
  internet_.serve(kOauthUrl, 200, token_json("user-token"));
  const std::vector<std::string> bodies = {
      "",
      "[]",
      "{}",
      R"({"accessToken":"abcd"})",
      R"({"accessToken":"abcd","expireTime":"soon"})",
      R"({"accessToken":7,"expireTime":"2027-01-15T09:00:00Z"})",
      R"({"accessToken":"a b","expireTime":"2027-01-15T09:00:00Z"})"};
  for (const std::string& body : bodies) {
    internet_.serve(kIamUrl, 200, body);
    EXPECT_EQ(failure_for(impersonated(authorized_user_json())).code(),
              ErrorCode::kUnauthenticated)
        << body;
  }
  internet_.serve(kIamUrl, 503, "");
  EXPECT_EQ(failure_for(impersonated(authorized_user_json())).code(),
            ErrorCode::kUnavailable);
}

TEST_F(ImpersonationTest, FailureOfTheSourceIsTheFailure) {
  internet_.serve(kOauthUrl, 400, R"({"error":"invalid_grant"})");
  EXPECT_THAT(failure_for(impersonated(authorized_user_json())).what(),
              HasSubstr("gcloud auth application-default login"));
  json broken = authorized_user_json();
  broken.erase("client_id");
  EXPECT_THAT(failure_for(impersonated(broken)).what(),
              HasSubstr("\"source_credentials.client_id\""));
}

TEST_F(ImpersonationTest, FieldsAreChecked) {
  EXPECT_THAT(failure_for(impersonated(authorized_user_json(), "https://x/y")).what(),
              HasSubstr("service_account_impersonation_url"));
  json document = impersonated(authorized_user_json());
  document["service_account_impersonation"] = {{"token_lifetime_seconds", 43201}};
  EXPECT_THAT(failure_for(document).what(),
              HasSubstr("service_account_impersonation.token_lifetime_seconds"));
  document = impersonated(authorized_user_json());
  document["delegates"] = "a@p";
  EXPECT_THAT(failure_for(document).what(), HasSubstr("\"delegates\""));
  document.erase("source_credentials");
  document.erase("delegates");
  EXPECT_THAT(failure_for(document).what(), HasSubstr("\"source_credentials\""));
}

TEST_F(ImpersonationTest, EndlessNestingIsRefused) {
  json document = authorized_user_json();
  for (int i = 0; i < 40; ++i) document = impersonated(document);
  EXPECT_THAT(failure_for(document).what(), HasSubstr("nested too deeply"));
}

}  // namespace
}  // namespace cloudsync::auth::google

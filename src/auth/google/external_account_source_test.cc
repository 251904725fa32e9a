// SPDX-License-Identifier: Apache-2.0
#include "auth/google/google_auth_testing.h"
#include "base/log.h"

namespace cloudsync::auth::google {
namespace {

using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ExternalAccountTest : public GoogleCredentialsFixture {
 protected:
  void SetUp() override { home_.write("subject", "subject-one\n"); }

  json file_account(const json& format = nullptr) {
    json source = {{"file", home_ / "subject"}};
    if (!format.is_null()) source["format"] = format;
    return external_account_json(source);
  }
  // Checks the exchange as Google's STS does and remembers the subject tokens.
  void serve_sts(const std::string& scope = kStorageScope) {
    internet_.serve(kStsUrl, [this, scope](const FakeRequest& request) {
      FormFields form = request.form();
      subjects_.push_back(form["subject_token"]);
      form.erase("subject_token");
      form.erase("options");
      EXPECT_EQ(
          form,
          (FormFields{
              {"grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"},
              {"audience", kAudience},
              {"scope", scope},
              {"requested_token_type", "urn:ietf:params:oauth:token-type:access_token"},
              {"subject_token_type", "urn:ietf:params:oauth:token-type:jwt"}}));
      return scripted_response(200, {}, token_json("federated-token"));
    });
  }

  std::vector<std::string> subjects_;
};

TEST_F(ExternalAccountTest, FileTokenIsExchanged) {
  serve_sts();
  const auto token = provider_for(file_account())->token({});
  EXPECT_EQ(token->value, "federated-token");
  EXPECT_EQ(subjects_, std::vector<std::string>{"subject-one"});
  EXPECT_FALSE(internet_.requests().at(0).headers.contains("authorization"));
  EXPECT_EQ(base::redacted("subject-one federated-token"), "*** ***");
}

TEST_F(ExternalAccountTest, RotatedFileIsReadAtEachRefresh) {
  serve_sts();
  const auto tokens = provider_for(file_account());
  tokens->token({});
  home_.write("subject", "subject-two");
  clock_.advance(seconds(3600));
  tokens->token({});
  EXPECT_EQ(subjects_, (std::vector<std::string>{"subject-one", "subject-two"}));
}

TEST_F(ExternalAccountTest, FieldOfAJsonFileIsUsed) {
  serve_sts();
  home_.write("subject", R"({"id":"subject-in-json"})");
  const json format = {{"type", "json"}, {"subject_token_field_name", "id"}};
  provider_for(file_account(format))->token({});
  EXPECT_EQ(subjects_, std::vector<std::string>{"subject-in-json"});
}

TEST_F(ExternalAccountTest, UnusableSubjectFileNamesItself) {
  const json format = {{"type", "json"}, {"subject_token_field_name", "id"}};
  const auto refused = [&](const json& document, const std::string& words) {
    const Error error = failure_for(document);
    EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
    EXPECT_THAT(error.what(), AllOf(HasSubstr(home_ / "subject"), HasSubstr(words)));
  };
  refused(file_account(format), "no JSON object");
  home_.write("subject", R"({"id":7})");
  refused(file_account(format), "field \"id\"");
  home_.write("subject", " \n");
  refused(file_account(), "is empty");
  home_.write("subject", std::string((1 << 20) + 1, 'x'));
  refused(file_account(), "longer than 1048576 bytes");
  std::filesystem::remove(home_ / "subject");
  refused(file_account(), "No such file");
  std::filesystem::create_directory(home_ / "subject");
  refused(file_account(), "not a regular file");
}

TEST_F(ExternalAccountTest, UnknownFormatIsRefused) {
  EXPECT_THAT(failure_for(file_account({{"type", "xml"}})).what(),
              HasSubstr("credential_source.format.type"));
  EXPECT_THAT(failure_for(file_account({{"type", "json"}})).what(),
              HasSubstr("subject_token_field_name"));
}

TEST_F(ExternalAccountTest, UrlTokenIsFetchedWithTheGivenHeaders) {
  serve_sts();
  const std::string url = "http://169.254.169.254/metadata/identity/oauth2/token";
  internet_.serve(url, [](const FakeRequest& request) {
    EXPECT_EQ(request.method, "GET");
    EXPECT_EQ(request.headers.at("metadata"), "True");
    EXPECT_TRUE(request.bypass_proxy);
    EXPECT_THAT(request.url, HasSubstr("?resource=r"));
    return scripted_response(200, {}, R"({"access_token":"azure-token"})");
  });
  const json document = external_account_json(
      {{"url", url + "?resource=r"},
       {"headers", {{"Metadata", "True"}, {"x-key", "header-secret-3"}}},
       {"format", {{"type", "json"}, {"subject_token_field_name", "access_token"}}}});
  provider_for(document)->token({});
  EXPECT_EQ(subjects_, std::vector<std::string>{"azure-token"});
  EXPECT_EQ(base::redacted("header-secret-3 True"), "*** True");
}

TEST_F(ExternalAccountTest, RefusingUrlIsNamedWithoutItsQuery) {
  internet_.serve("https://idp.example/token", 403, R"({"error":"who are you"})");
  const Error error =
      failure_for(external_account_json({{"url", "https://idp.example/token?k=hidden"}}));
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("https://idp.example/token was refused"),
                                  HasSubstr("who are you"), Not(HasSubstr("hidden"))));
}

TEST_F(ExternalAccountTest, RefusedExchangeSaysWhatToCheck) {
  internet_.serve(
      kStsUrl, 400,
      R"({"error":"invalid_grant","error_description":"ID Token issued at is stale"})");
  const Error error = failure_for(file_account());
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(error.what(),
              AllOf(HasSubstr("ID Token issued at is stale"), HasSubstr("audience"),
                    HasSubstr(home_ / "key.json"), Not(HasSubstr("subject-one"))));
}

TEST_F(ExternalAccountTest, WorkforceProjectIsSentAndPays) {
  serve_sts();
  json document = file_account();
  document["workforce_pool_user_project"] = "user-project";
  EXPECT_EQ(provider_for(document)->token({})->quota_project, "user-project");
  EXPECT_EQ(internet_.requests().at(0).form().at("options"),
            "%7B%22userProject%22%3A%22user-project%22%7D");
}

TEST_F(ExternalAccountTest, ClientAuthenticatesItself) {
  serve_sts();
  json document = file_account();
  document["workforce_pool_user_project"] = "user-project";
  document["client_id"] = "id";
  document["client_secret"] = "sts-client-secret";
  provider_for(document)->token({});
  const FakeRequest request = internet_.requests().at(0);
  EXPECT_EQ(request.headers.at("authorization"), "Basic aWQ6c3RzLWNsaWVudC1zZWNyZXQ=");
  EXPECT_FALSE(request.form().contains("options"));
}

TEST_F(ExternalAccountTest, UniverseNamesTheDefaultEndpoint) {
  json document = file_account();
  document.erase("token_url");
  document["universe_domain"] = "cloud.example";
  internet_.serve("https://sts.cloud.example/v1/token", 200, token_json("elsewhere"));
  EXPECT_EQ(provider_for(document)->token({})->value, "elsewhere");
}

TEST_F(ExternalAccountTest, ImpersonationFollowsTheExchange) {
  serve_sts(kCloudPlatformScope);
  internet_.serve(kIamUrl, [](const FakeRequest& request) {
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.headers.at("authorization"), "Bearer federated-token");
    EXPECT_EQ(json::parse(request.body),
              (json{{"scope", {kStorageScope}}, {"lifetime", "1200s"}}));
    return scripted_response(
        200, {}, R"({"accessToken":"robot-token","expireTime":"2027-01-15T08:20:00Z"})");
  });
  json document = file_account();
  document["service_account_impersonation_url"] = kIamUrl;
  document["service_account_impersonation"] = {{"token_lifetime_seconds", 1200}};
  const auto token = provider_for(document)->token({});
  EXPECT_EQ(token->value, "robot-token");
  EXPECT_EQ(token->expires_ns, kTestStart + 1200 * kTestSecond);
  EXPECT_THAT(token->origin, HasSubstr("robot@p.iam.gserviceaccount.com"));
}

TEST_F(ExternalAccountTest, SourcesThatCannotBeUsedSaySo) {
  const Error certificate =
      failure_for(external_account_json({{"certificate", {{"x", 1}}}}));
  EXPECT_EQ(certificate.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(certificate.what(), HasSubstr("mutual TLS"));
  EXPECT_THAT(failure_for(external_account_json(json::object())).what(),
              HasSubstr("names no source"));
  json none = file_account();
  none.erase("credential_source");
  EXPECT_THAT(failure_for(none).what(), HasSubstr("\"credential_source\""));
}

}  // namespace
}  // namespace cloudsync::auth::google

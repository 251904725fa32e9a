// SPDX-License-Identifier: Apache-2.0
#include "auth/google/google_auth_testing.h"
#include "base/log.h"

#include <latch>
#include <thread>

namespace cloudsync::auth::google {
namespace {

using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ServiceAccountTest : public GoogleCredentialsFixture {
 protected:
  // Checks the assertion as Google's token endpoint does, and numbers its tokens.
  void serve_google() {
    internet_.serve(kOauthUrl, [this](const FakeRequest& request) {
      EXPECT_EQ(request.method, "POST");
      EXPECT_EQ(request.headers.at("content-type"), "application/x-www-form-urlencoded");
      const FormFields form = request.form();
      EXPECT_EQ(form.at("grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
      check(decode_jwt(form.at("assertion"), test_key()));
      return scripted_response(200, {}, token_json("token-" + std::to_string(++served_)));
    });
  }
  void check(const DecodedJwt& jwt) {
    const std::int64_t now = clock_.now_ns() / kTestSecond;
    EXPECT_TRUE(jwt.signature_is_good);
    EXPECT_EQ(jwt.header, (json{{"alg", "RS256"}, {"typ", "JWT"}, {"kid", "key-17"}}));
    EXPECT_EQ(jwt.claims, (json{{"iss", "sa@p.iam.gserviceaccount.com"},
                                {"aud", "https://oauth2.googleapis.com/token"},
                                {"scope", kStorageScope},
                                {"iat", now},
                                {"exp", now + 3600}}));
  }

  std::atomic<int> served_ = 0;
};

TEST_F(ServiceAccountTest, SignedAssertionIsExchangedForAToken) {
  serve_google();
  const auto token = provider_for(service_account_json())->token({});
  ASSERT_TRUE(token);
  EXPECT_EQ(token->value, "token-1");
  EXPECT_EQ(token->expires_ns, kTestStart + 3600 * kTestSecond);
  EXPECT_EQ(token->quota_project, "");
  EXPECT_THAT(token->origin, AllOf(HasSubstr("sa@p.iam.gserviceaccount.com"),
                                   HasSubstr(home_ / "key.json")));
}

TEST_F(ServiceAccountTest, TokenIsKeptUntilItNearsItsEnd) {
  serve_google();
  const auto tokens = provider_for(service_account_json());
  EXPECT_EQ(tokens->token({})->value, "token-1");
  clock_.advance(seconds(3600 - 301));
  EXPECT_EQ(tokens->token({})->value, "token-1");
  clock_.advance(seconds(2));
  EXPECT_EQ(tokens->token({})->value, "token-2");
}

TEST_F(ServiceAccountTest, RefusedTokenIsReplacedAtTheNextCall) {
  serve_google();
  const auto tokens = provider_for(service_account_json());
  const auto first = tokens->token({});
  tokens->invalidate(*first);
  EXPECT_EQ(tokens->token({})->value, "token-2");
  tokens->invalidate(*first);  // late news about the old one
  EXPECT_EQ(tokens->token({})->value, "token-2");
}

TEST_F(ServiceAccountTest, SixteenThreadsMakeOneExchange) {
  std::latch all_here(16);
  internet_.serve(kOauthUrl, [&](const FakeRequest&) {
    all_here.wait();
    return scripted_response(200, {}, token_json("t" + std::to_string(++served_)));
  });
  const auto tokens = provider_for(service_account_json());
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 16; ++i) {
      threads.emplace_back([&] {
        all_here.count_down();
        EXPECT_EQ(tokens->token({})->value, "t1");
      });
    }
  }
  EXPECT_EQ(internet_.requests().size(), 1U);
}

TEST_F(ServiceAccountTest, FailedRenewalKeepsAValidTokenAndFailsWhenItEnds) {
  serve_google();
  const auto tokens = provider_for(service_account_json());
  tokens->token({});
  internet_.serve(kOauthUrl, 503, "{}");
  clock_.advance(seconds(3600 - 100));
  EXPECT_EQ(tokens->token({})->value, "token-1");
  clock_.advance(seconds(101));
  EXPECT_EQ(failure_of(*tokens).code(), ErrorCode::kUnavailable);
}

TEST_F(ServiceAccountTest, RefusalNamesFileServiceAndWhatToDo) {
  internet_.serve(
      kOauthUrl, 400,
      R"({"error":"invalid_grant","error_description":"Invalid JWT Signature."})");
  const Error error = failure_for(service_account_json());
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_FALSE(error.retryable());
  EXPECT_THAT(error.what(),
              AllOf(HasSubstr("invalid_grant: Invalid JWT Signature."),
                    HasSubstr(home_ / "key.json"), HasSubstr("deleted or disabled"),
                    HasSubstr("it says 2027-01-15T08:00:00Z")));
}

TEST_F(ServiceAccountTest, UnreachableOrFailingServiceMayBeTriedAgain) {
  const Error absent = failure_for(service_account_json());
  EXPECT_EQ(absent.code(), ErrorCode::kUnavailable);
  EXPECT_TRUE(absent.retryable());
  for (const int status : {408, 429, 500, 503}) {
    internet_.serve(kOauthUrl, status, "");
    EXPECT_EQ(failure_for(service_account_json()).code(), ErrorCode::kUnavailable);
  }
}

TEST_F(ServiceAccountTest, UnusableAnswersAreErrorsThatSayWhat) {
  for (const char* body :
       {"<html>", "[]", "{}", R"({"access_token":5})", R"({"access_token":""})",
        R"({"access_token":"ab\r\nx-evil: 1"})", R"({"access_token":"abcd")"}) {
    internet_.serve(kOauthUrl, 200, body);
    const Error error = failure_for(service_account_json());
    EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated) << body;
    EXPECT_THAT(error.what(), AllOf(HasSubstr("HTTP 200; check that a token service"),
                                    Not(HasSubstr("evil"))))
        << body;
  }
}

TEST_F(ServiceAccountTest, AbsurdLifetimesDoNoHarm) {
  for (const char* life : {"1e300", "9223372036854775807", "\"99999999999999\"", "{}",
                           "18446744073709551615"}) {
    internet_.serve(kOauthUrl, 200,
                    std::string(R"({"access_token":"abcd","expires_in":)") + life + "}");
    EXPECT_EQ(provider_for(service_account_json())->token({})->value, "abcd") << life;
  }
}

TEST_F(ServiceAccountTest, ATokenThatIsOverWhenItComesIsRefused) {
  for (const char* life : {"0", "-1", "\"0\""}) {
    internet_.serve(kOauthUrl, 200,
                    std::string(R"({"access_token":"abcd","expires_in":)") + life + "}");
    EXPECT_THAT(failure_for(service_account_json()).what(), HasSubstr("clock")) << life;
  }
}

TEST_F(ServiceAccountTest, LifetimeMayBeTextAndMayBeMissing) {
  internet_.serve(kOauthUrl, 200, R"({"access_token":"abcd","expires_in":"60"})");
  EXPECT_EQ(provider_for(service_account_json())->token({})->expires_ns,
            kTestStart + 60 * kTestSecond);
  internet_.serve(kOauthUrl, 200, R"({"access_token":"abcd"})");
  EXPECT_FALSE(provider_for(service_account_json())->token({})->expires_ns);
}

TEST_F(ServiceAccountTest, MissingFieldIsNamed) {
  for (const char* field : {"client_email", "private_key"}) {
    json document = service_account_json();
    document.erase(field);
    const Error error = failure_for(document);
    EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
    EXPECT_THAT(error.what(), AllOf(HasSubstr(std::string("\"") + field + "\""),
                                    HasSubstr(home_ / "key.json")));
  }
}

TEST_F(ServiceAccountTest, UnusableKeyNamesFieldAndFileAndNotItself) {
  json document = service_account_json();
  document["private_key"] = "not-a-key-but-private";
  const Error error = failure_for(document);
  EXPECT_THAT(
      error.what(),
      AllOf(HasSubstr("the field \"private_key\" of " + (home_ / "key.json")),
            HasSubstr("create a new JSON key"), Not(HasSubstr("not-a-key-but-private"))));
}

TEST_F(ServiceAccountTest, SecretNeverTravelsInTheClear) {
  json document = service_account_json();
  document["token_uri"] = "http://oauth2.example/token";
  EXPECT_EQ(failure_for(document).code(), ErrorCode::kInvalidArgument);
  EXPECT_TRUE(internet_.requests().empty());
}

TEST_F(ServiceAccountTest, EndpointThatRepeatsTheAssertionIsNotQuoted) {
  internet_.serve(kOauthUrl, [](const FakeRequest& request) {
    const json words = {{"error", "invalid_grant"},
                        {"error_description", request.form().at("assertion")}};
    return scripted_response(400, {}, words.dump());
  });
  const Error error = failure_for(service_account_json());
  const std::string sent = internet_.requests().at(0).form().at("assertion");
  EXPECT_THAT(error.what(), Not(HasSubstr(sent.substr(sent.size() - 100))));
}

TEST_F(ServiceAccountTest, FileIsReadAnewSoThatANewKeyIsUsed) {
  serve_google();
  const auto tokens = provider_for(service_account_json());
  tokens->token({});
  json replaced = service_account_json();
  replaced["client_email"] = "other@p.iam.gserviceaccount.com";
  write("key.json", replaced);
  internet_.serve(kOauthUrl, [](const FakeRequest& request) {
    const auto jwt = decode_jwt(request.form().at("assertion"), test_key());
    EXPECT_EQ(jwt.claims["iss"], "other@p.iam.gserviceaccount.com");
    return scripted_response(200, {}, token_json("other"));
  });
  clock_.advance(seconds(3600));
  EXPECT_EQ(tokens->token({})->value, "other");
}

// Another place would be another identity.
TEST_F(ServiceAccountTest, VanishedFileIsAnErrorAndNotTheNextPlace) {
  serve_google();
  home_.write(".config/gcloud/application_default_credentials.json",
              service_account_json().dump());
  const auto tokens = provider();
  EXPECT_EQ(tokens->token({})->value, "token-1");
  std::filesystem::remove_all(home_ / ".config");
  clock_.advance(seconds(3600));
  const Error error = failure_of(*tokens);
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("application_default_credentials.json"),
                                  HasSubstr("No such file")));
  EXPECT_EQ(internet_.requests().size(), 1U);
}

TEST_F(ServiceAccountTest, OtherUniversesTakeASelfSignedAssertionAsTheToken) {
  json document = service_account_json();
  document["universe_domain"] = "cloud.example";
  const auto token = provider_for(document)->token({});
  const auto jwt = decode_jwt(token->value, test_key());
  EXPECT_TRUE(jwt.signature_is_good);
  EXPECT_EQ(jwt.claims["sub"], "sa@p.iam.gserviceaccount.com");
  EXPECT_EQ(jwt.claims["scope"], kStorageScope);
  EXPECT_FALSE(jwt.claims.contains("aud"));
  EXPECT_EQ(token->expires_ns, kTestStart + 3600 * kTestSecond);
  EXPECT_THAT(token->origin, HasSubstr("universe cloud.example"));
  EXPECT_TRUE(internet_.requests().empty());
}

TEST_F(ServiceAccountTest, KeyAndTokensAreRegisteredAsSecrets) {
  serve_google();
  const auto token = provider_for(service_account_json())->token({});
  EXPECT_EQ(base::redacted(pem_of(test_key())), "***");
  EXPECT_EQ(base::redacted(token->value), "***");
}

}  // namespace
}  // namespace cloudsync::auth::google

// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/azure_authorizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <barrier>
#include <thread>
#include <vector>

#include "auth/auth_testing.h"
#include "auth/azure/entra_world_testing.h"
#include "auth/azure/shared_key.h"
#include "base/log.h"

namespace cloudsync::auth {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kUrl[] = "https://me.blob.core.windows.net/c/k";
const AzureCredentialOptions kApplication = {
    .tenant_id = kTenantId, .client_id = kClientId, .client_secret = "app-secret"};

AzureAccount account_with(const std::string& key, const std::string& sas) {
  return {"me", "https://me.blob.core.windows.net", key, sas, "the test"};
}

std::unique_ptr<AzureAuthorizer> make(TestWorld& world, const AzureAccount& account,
                                      const AzureCredentialOptions& options = {}) {
  return make_azure_authorizer(account, options,
                               {.environment = environment_of(world.variables),
                                .transport = world.transport,
                                .clock = world.clock});
}

http::HttpRequest get(const std::string& url = kUrl) {
  return {.method = "GET", .url = url, .headers = {{"x-ms-date", "today"}}};
}

std::string authorization_after(AzureAuthorizer& authorizer) {
  http::HttpRequest request = get();
  authorizer.authorize(request, 0, {});
  return header_of(request, "authorization");
}

TEST(AzureAuthorizer, AnonymousComesFirstAndAddsNothing) {
  TestWorld world;
  const auto authorizer = make(world, account_with("a2V5", "sig=x"), {.anonymous = true});
  http::HttpRequest request = get();
  authorizer->authorize(request, 0, {});
  EXPECT_EQ(request.url, kUrl);
  EXPECT_EQ(request.headers.size(), 1U);
  EXPECT_FALSE(authorizer->renew(request, {}));
}

TEST(AzureAuthorizer, AKeyComesBeforeASasAndAnApplication) {
  TestWorld world;
  const auto authorizer = make(world, account_with("a2V5", "sig=x"), kApplication);
  http::HttpRequest request = get();
  const std::string expected = shared_key_header({request, 5, "me"}, "a2V5");
  authorizer->authorize(request, 5, {});
  EXPECT_EQ(header_of(request, "authorization"), expected);
  EXPECT_EQ(authorizer->origin(), "the account key in the test");
  EXPECT_EQ(authorizer->readable_source(kUrl), kUrl);
  EXPECT_FALSE(authorizer->renew(request, {}));
}

TEST(AzureAuthorizer, ARequestMayBeSignedAgain) {
  TestWorld world;
  const auto authorizer = make(world, account_with("a2V5", ""));
  http::HttpRequest request = get();
  authorizer->authorize(request, 0, {});
  authorizer->authorize(request, 0, {});
  EXPECT_EQ(request.headers.size(), 2U);
}

TEST(AzureAuthorizer, ABrokenKeyIsRefusedAtOnceWithoutShowingIt) {
  TestWorld world;
  const Error error = error_of([&] { make(world, account_with("not!base64-key", "")); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("the test"), Not(HasSubstr("base64-key"))));
  AzureAccount nameless = account_with("a2V5", "");
  nameless.name = "";
  EXPECT_THAT(error_of([&] { make(world, nameless); }).what(),
              HasSubstr("storage.account"));
}

constexpr char kSas[] = "sv=2023-11-03&se=2026-11-23T18%3A30%3A00Z&sp=rl&sig=a%2Bb%3D";

TEST(SasAuthorizer, AppendsTheTokenAsItIs) {
  TestWorld world;
  const auto authorizer = make(world, account_with("", kSas), kApplication);
  const std::string bare = kUrl;
  for (const auto& [url, expected] : std::vector<std::pair<std::string, std::string>>{
           {bare, bare + "?" + kSas},
           {bare + "?comp=list", bare + "?comp=list&" + kSas},
           {bare + "?", bare + "?" + kSas}}) {
    http::HttpRequest request = get(url);
    authorizer->authorize(request, 0, {});
    EXPECT_EQ(request.url, expected);
    EXPECT_EQ(header_of(request, "authorization"), "");
    authorizer->authorize(request, 0, {});
    EXPECT_EQ(request.url, expected);
  }
  EXPECT_EQ(authorizer->readable_source(bare), bare + "?" + kSas);
  EXPECT_EQ(authorizer->origin(), "the SAS token in the test");
}

TEST(SasAuthorizer, RefusesATokenThatHasEnded) {
  TestWorld world;
  const auto authorizer = make(world, account_with("", kSas));
  http::HttpRequest request = get();
  world.clock.advance(29 * 60);
  authorizer->authorize(request, 0, {});
  world.clock.advance(60);
  const Error error = error_of([&] { authorizer->authorize(request, 0, {}); });
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_FALSE(error.retryable());
  EXPECT_THAT(error.what(), AllOf(HasSubstr("expired at 2026-11-23T18:30:00Z"),
                                  HasSubstr("the test"), Not(HasSubstr("a%2Bb"))));
}

TEST(SasAuthorizer, KnowsTheShortFormsOfTheEnd) {
  for (const char* se : {"2026-11-23", "2026-11-23T17%3A59Z", "2026-11-23T17:59:59.9Z"}) {
    TestWorld world;
    const auto authorizer =
        make(world, account_with("", std::string("sig=abc&se=") + se));
    http::HttpRequest request = get();
    EXPECT_EQ(error_of([&] { authorizer->authorize(request, 0, {}); }).code(),
              ErrorCode::kUnauthenticated)
        << se;
  }
}

TEST(SasAuthorizer, ATokenOfAStoredPolicyHasNoEndOfItsOwn) {
  TestWorld world;
  const auto authorizer = make(world, account_with("", "si=policy&sr=c&sig=abcd"));
  http::HttpRequest request = get();
  EXPECT_NO_THROW(authorizer->authorize(request, 0, {}));
}

TEST(SasAuthorizer, WhatIsNoTokenIsRefusedWithoutShowingIt) {
  for (const char* token : {"nonsense", "sv=1&se=2", "sig=a b", "sig=abc#d", "sig=abc\nd",
                            "https://h/c?sv=1&sig=abc"}) {
    TestWorld world;
    const Error error = error_of([&] { make(world, account_with("", token)); });
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument) << token;
    EXPECT_THAT(error.what(), AllOf(HasSubstr("the test"), Not(HasSubstr(token))));
  }
}

// Numbers its tokens, each good for an hour; can be made to refuse.
struct Entra {
  explicit Entra(TestWorld& world) {
    answer_all(world, [this](const auto& request, const std::string& body) {
      check_token_request(request, fields_of(body));
      if (refuses) return aadsts_reply(401, "invalid_client", "AADSTS7000222: expired");
      return token_reply("bearer-" + std::to_string(++given), 3600);
    });
  }
  int given = 0;
  bool refuses = false;
};

TEST(BearerAuthorizer, FetchesATokenWhenItIsFirstNeeded) {
  TestWorld world;
  Entra entra(world);
  const auto authorizer = make(world, account_with("", ""), kApplication);
  EXPECT_EQ(entra.given, 0);
  EXPECT_EQ(authorization_after(*authorizer), "Bearer bearer-1");
  EXPECT_EQ(authorization_after(*authorizer), "Bearer bearer-1");
  EXPECT_EQ(entra.given, 1);
  EXPECT_THAT(authorizer->origin(), HasSubstr(kClientId));
  EXPECT_EQ(authorizer->readable_source(kUrl), kUrl);
}

TEST(BearerAuthorizer, RenewsTenMinutesAheadOfTheEnd) {
  TestWorld world;
  Entra entra(world);
  const auto authorizer = make(world, account_with("", ""), kApplication);
  authorization_after(*authorizer);
  world.clock.advance(2999);
  EXPECT_EQ(authorization_after(*authorizer), "Bearer bearer-1");
  world.clock.advance(2);
  EXPECT_EQ(authorization_after(*authorizer), "Bearer bearer-2");
}

TEST(BearerAuthorizer, GoesOnWithAValidTokenWhenTheRenewalFailsUntilItsEnd) {
  TestWorld world;
  Entra entra(world);
  const auto authorizer = make(world, account_with("", ""), kApplication);
  authorization_after(*authorizer);
  entra.refuses = true;
  world.clock.advance(3500);
  EXPECT_EQ(authorization_after(*authorizer), "Bearer bearer-1");
  world.clock.advance(100);
  const Error error = error_of([&] { authorization_after(*authorizer); });
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(error.what(), HasSubstr("AADSTS7000222"));
}

TEST(BearerAuthorizer, ARefusedTokenIsReplaced) {
  TestWorld world;
  Entra entra(world);
  const auto authorizer = make(world, account_with("", ""), kApplication);
  http::HttpRequest request = get();
  authorizer->authorize(request, 0, {});
  EXPECT_TRUE(authorizer->renew(request, {}));
  // Whoever was refused with the same token goes on with the new one.
  EXPECT_TRUE(authorizer->renew(request, {}));
  EXPECT_EQ(entra.given, 2);
  authorizer->authorize(request, 0, {});
  EXPECT_EQ(header_of(request, "authorization"), "Bearer bearer-2");
  EXPECT_FALSE(authorizer->renew(get(), {}));
}

TEST(BearerAuthorizer, ThreadsRefusedTogetherRenewOnce) {
  TestWorld world;
  Entra entra(world);
  const auto authorizer = make(world, account_with("", ""), kApplication);
  http::HttpRequest refused = get();
  authorizer->authorize(refused, 0, {});
  std::barrier start(16);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&] {
      start.arrive_and_wait();
      EXPECT_TRUE(authorizer->renew(refused, {}));
      EXPECT_EQ(authorization_after(*authorizer), "Bearer bearer-2");
    });
  }
  threads.clear();
  EXPECT_EQ(entra.given, 2);
}

TEST(BearerAuthorizer, TheSameTokenAgainIsNoRenewal) {
  TestWorld world;
  answer_all(world, [](const auto&, const auto&) { return token_reply("cached"); });
  const auto authorizer = make(world, account_with("", ""), kApplication);
  http::HttpRequest request = get();
  authorizer->authorize(request, 0, {});
  EXPECT_FALSE(authorizer->renew(request, {}));
}

TEST(BearerAuthorizer, ARefusedTokenThatCannotBeRenewedSaysWhy) {
  TestWorld world;
  Entra entra(world);
  const auto authorizer = make(world, account_with("", ""), kApplication);
  http::HttpRequest request = get();
  authorizer->authorize(request, 0, {});
  entra.refuses = true;
  EXPECT_EQ(error_of([&] { authorizer->renew(request, {}); }).code(),
            ErrorCode::kUnauthenticated);
}

TEST(BearerAuthorizer, SendsNoTokenInTheClear) {
  TestWorld world;
  Entra entra(world);
  const auto authorizer = make(world, account_with("", ""), kApplication);
  for (const char* url : {"http://me.blob.core.windows.net/c", "http://169.254.1.1/c",
                          "http://127.0.0.1.evil.example/c", "ftp://x/", "x"}) {
    http::HttpRequest request = get(url);
    const Error error = error_of([&] { authorizer->authorize(request, 0, {}); });
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument) << url;
    EXPECT_THAT(error.what(), HasSubstr("https://"));
  }
  EXPECT_EQ(entra.given, 0);
  http::HttpRequest local = get("http://127.0.0.1:10000/me/c");
  EXPECT_NO_THROW(authorizer->authorize(local, 0, {}));
}

TEST(BearerAuthorizer, SecretsAreKeptOutOfLogs) {
  TestWorld world;
  Entra entra(world);
  authorization_after(*make(world, account_with("", ""), kApplication));
  EXPECT_THAT(base::redacted("app-secret bearer-1"),
              AllOf(Not(HasSubstr("app-secret")), Not(HasSubstr("bearer-1"))));
}

}  // namespace
}  // namespace cloudsync::auth

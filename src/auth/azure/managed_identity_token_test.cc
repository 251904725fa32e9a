// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/managed_identity_token.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>

#include "auth/auth_testing.h"
#include "auth/azure/entra_world_testing.h"
#include "base/log.h"
#include "base/test_directory.h"
#include "base/time_format.h"
#include "http/curl_transport.h"

namespace cloudsync::auth {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kResource[] = "https://storage.azure.com/";
constexpr char kImds[] = "http://169.254.169.254/metadata/identity/oauth2/token";

TokenAttempt fetch(TestWorld& world, const EntraIdentity& identity = {},
                   bool probe = false) {
  return make_managed_identity_source(world.world(), identity, probe).fetch({});
}

// Metadata services write numbers as text.
http::HttpResponse metadata_reply(const std::string& token, const std::string& more) {
  return http::scripted_response(200, {},
                                 R"({"access_token":")" + token + R"(",)" + more +
                                     R"("resource":"x","token_type":"Bearer"})");
}

std::int64_t after(std::int64_t seconds) {
  return SettableClock::kStart + seconds * SettableClock::kSecond;
}

TEST(AppService, IsAskedWithItsHeader) {
  TestWorld world;
  world.variables = {{"IDENTITY_ENDPOINT", "http://127.0.0.1:41117/msi/token/"},
                     {"IDENTITY_HEADER", "app-service-secret"},
                     {"MSI_ENDPOINT", "http://127.0.0.1:1/old"},
                     {"MSI_SECRET", "old"},
                     {"AZURE_CLIENT_ID", "user assigned"}};
  answer_all(world, [](const auto& request, const auto&) {
    EXPECT_EQ(request.method, "GET");
    EXPECT_EQ(path_of(request.url), "http://127.0.0.1:41117/msi/token/");
    EXPECT_EQ(query_of(request.url), (Fields{{"api-version", "2019-08-01"},
                                             {"resource", kResource},
                                             {"client_id", "user assigned"}}));
    EXPECT_EQ(header_of(request, "X-IDENTITY-HEADER"), "app-service-secret");
    EXPECT_TRUE(request.bypass_proxy);
    return metadata_reply("t-app-service", R"("expires_on":"1795460400",)");
  });
  const TokenAttempt attempt = fetch(world);
  ASSERT_TRUE(attempt.token);
  EXPECT_EQ(attempt.token->value, "t-app-service");
  EXPECT_EQ(attempt.token->expires_ns, after(3600));
  EXPECT_THAT(attempt.token->origin, HasSubstr("App Service"));
  EXPECT_THAT(base::redacted("app-service-secret"), Not(HasSubstr("app-service")));
}

TEST(AppService, OfBefore2019IsAskedInItsOwnWay) {
  TestWorld world;
  world.variables = {{"MSI_ENDPOINT", "http://127.0.0.1:41117/MSI/token?x=y"},
                     {"MSI_SECRET", "old-secret"}};
  answer_all(world, [](const auto& request, const auto&) {
    EXPECT_EQ(query_of(request.url), (Fields{{"x", "y"},
                                             {"api-version", "2017-09-01"},
                                             {"resource", kResource},
                                             {"clientid", "c1"}}));
    EXPECT_EQ(header_of(request, "secret"), "old-secret");
    return metadata_reply("t-old", R"("expires_on":"11/23/2026 7:00:00 PM +00:00",)");
  });
  const TokenAttempt attempt = fetch(world, {{}, "c1"});
  EXPECT_EQ(attempt.token->expires_ns, after(3600));
}

TEST(AppService, ARefusalIsNotTakenForAnAbsence) {
  TestWorld world;
  world.variables = {{"IDENTITY_ENDPOINT", "http://127.0.0.1:41117/msi/token/"},
                     {"IDENTITY_HEADER", "h"}};
  answer_all(world, [](const auto&, const auto&) {
    return http::scripted_response(
        400, {}, R"({"statusCode":400,"message":"No User Assigned identity found"})");
  });
  const Error error = error_of([&] { fetch(world); });
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("No User Assigned identity found"),
                                  HasSubstr("AZURE_CLIENT_ID")));
}

TEST(AppService, AnEndpointElsewhereGetsNoSecretInTheClear) {
  TestWorld world;
  world.variables = {{"IDENTITY_ENDPOINT", "http://127.0.0.1.evil.example/"},
                     {"IDENTITY_HEADER", "h"}};
  EXPECT_EQ(error_of([&] { fetch(world); }).code(), ErrorCode::kInvalidArgument);
}

TEST(CloudShell, IsAskedByPost) {
  TestWorld world;
  world.variables = {{"MSI_ENDPOINT", "http://localhost:50342/oauth2/token"}};
  answer_all(world, [](const auto& request, const std::string& body) {
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.url, "http://localhost:50342/oauth2/token");
    EXPECT_EQ(header_of(request, "Metadata"), "true");
    EXPECT_EQ(fields_of(body), (Fields{{"resource", kResource}}));
    return metadata_reply("t-shell", R"("expires_in":"3000","expires_on":"1",)");
  });
  EXPECT_EQ(fetch(world).token->expires_ns, after(3000));
  EXPECT_THAT(fetch(world, {{}, "c1"}).absence, HasSubstr("user-assigned"));
}

class Arc : public ::testing::Test {
 protected:
  Arc() {
    world_.arc_token_directory = folder_.path();
    world_.variables = {{"IDENTITY_ENDPOINT", "http://localhost:40342/token"},
                        {"IMDS_ENDPOINT", "http://localhost:40342"}};
    folder_.write("a.key", "the arc key\n");
    challenge("Basic realm=" + (folder_ / "a.key"));
  }

  void challenge(const std::string& challenge) {
    answer_all(world_, [challenge](const http::HttpRequest& request, const auto&) {
      EXPECT_EQ(header_of(request, "Metadata"), "true");
      EXPECT_EQ(query_of(request.url),
                (Fields{{"api-version", "2019-11-01"}, {"resource", kResource}}));
      if (header_of(request, "Authorization") == "Basic the arc key") {
        return metadata_reply("t-arc", R"("expires_in":"86400",)");
      }
      return http::scripted_response(401, {{"WWW-Authenticate", challenge}});
    });
  }

  void expect_refused(const std::string& path, const std::string& words) {
    challenge("Basic realm=" + path);
    const Error error = error_of([&] { fetch(world_); });
    EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated) << path;
    EXPECT_THAT(error.what(), HasSubstr(words)) << path;
    EXPECT_EQ(world_.transport->requests().size(), 1U) << path;
  }

  base::TestDirectory folder_;
  TestWorld world_;
};

TEST_F(Arc, AnswersTheChallengeWithTheFilesContent) {
  EXPECT_EQ(fetch(world_).token->value, "t-arc");
  EXPECT_EQ(world_.transport->requests().size(), 2U);
}

TEST_F(Arc, SendsNoOtherFile) {
  folder_.write("b.txt", "x");
  folder_.write("sub/c.key", "x");
  std::filesystem::create_symlink("/etc/hostname", folder_ / "link.key");
  for (const std::string& path :
       {std::string("/etc/shadow"), std::string("/etc/x.key"), folder_ / "b.txt",
        folder_ / "sub/c.key", folder_ / "../x.key", folder_ / ".key",
        folder_ / "link.key", std::string()}) {
    expect_refused(path, "no key file in");
  }
}

TEST_F(Arc, AFileThatIsMissingOrTooLongIsRefused) {
  folder_.write("long.key", std::string(4097, 'x'));
  expect_refused(folder_ / "long.key", "longer than 4096 bytes");
  expect_refused(folder_ / "none.key", "himds");
}

TEST_F(Arc, AnotherChallengeIsRefused) {
  challenge("Bearer realm=" + (folder_ / "a.key"));
  EXPECT_THAT(error_of([&] { fetch(world_); }).what(), HasSubstr("Basic realm=FILE"));
}

TEST_F(Arc, AWrongKeyIsARefusalNotALoop) {
  folder_.write("a.key", "another key");
  EXPECT_EQ(error_of([&] { fetch(world_); }).code(), ErrorCode::kUnauthenticated);
  EXPECT_EQ(world_.transport->requests().size(), 2U);
}

TEST_F(Arc, HasNoUserAssignedIdentities) {
  EXPECT_THAT(fetch(world_, {{}, "c1"}).absence, HasSubstr("Azure Arc"));
}

TEST(Imds, IsAskedWithItsHeader) {
  TestWorld world;
  answer_all(world, [](const auto& request, const auto&) {
    EXPECT_EQ(request.method, "GET");
    EXPECT_EQ(path_of(request.url), kImds);
    EXPECT_EQ(query_of(request.url), (Fields{{"api-version", "2018-02-01"},
                                             {"resource", kResource},
                                             {"client_id", kClientId}}));
    EXPECT_EQ(header_of(request, "Metadata"), "true");
    EXPECT_TRUE(request.bypass_proxy);
    return metadata_reply("t-imds", R"("expires_in":"86399","expires_on":"1",)");
  });
  EXPECT_EQ(fetch(world, {{}, kClientId}).token->expires_ns, after(86399));
}

TEST(Imds, MayBeElsewhere) {
  TestWorld world;
  world.variables["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = "http://127.0.0.1:2579/";
  answer_all(world, [](const auto& request, const auto&) {
    EXPECT_EQ(path_of(request.url),
              "http://127.0.0.1:2579/metadata/identity/oauth2/token");
    return metadata_reply("t-pod", R"("expires_in":"60",)");
  });
  EXPECT_EQ(fetch(world).token->value, "t-pod");
}

// As the real one: 400 without the header, at once.
http::HttpResponse imds(const http::HttpRequest& request) {
  if (header_of(request, "Metadata") != "true") {
    return http::scripted_response(400, {}, R"({"error":"invalid_request"})");
  }
  return metadata_reply("t-vm", R"("expires_in":"3600",)");
}

TEST(ImdsProbe, AsksFirstWhetherItIsThereAndThenNeverAgain) {
  TestWorld world;
  answer_all(world, [](const auto& request, const auto&) { return imds(request); });
  const EntraSource source = make_managed_identity_source(world.world(), {}, true);
  EXPECT_EQ(source.fetch({}).token->value, "t-vm");
  EXPECT_EQ(world.transport->requests().size(), 2U);
  source.fetch({});
  EXPECT_EQ(world.transport->requests().size(), 3U);
}

TEST(ImdsProbe, NoAnswerIsAnAbsence) {
  TestWorld world;
  answer_all(world, [](const auto&, const auto&) { return no_route(); });
  EXPECT_THAT(fetch(world, {}, true).absence, HasSubstr("169.254.169.254"));
}

TEST(ImdsProbe, AnotherCloudsServiceIsAnAbsence) {
  for (const int status : {401, 403, 404}) {
    TestWorld world;
    answer_all(world, [&](const auto&, const auto&) {
      return http::scripted_response(status, {}, "<html>not here</html>");
    });
    const TokenAttempt attempt = fetch(world, {}, true);
    EXPECT_THAT(attempt.absence, HasSubstr("not Azure's"));
    EXPECT_EQ(world.transport->requests().size(), 1U);
  }
}

TEST(ImdsProbe, EndsWithinAboutASecondWhereNothingAnswers) {
  TestWorld world;
  // A backlog of nobody: connections are made, and no word is ever said.
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  socklen_t size = sizeof address;
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener, 8), 0);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  world.variables["AZURE_POD_IDENTITY_AUTHORITY_HOST"] =
      "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  EntraWorld real = world.world();
  real.transport = http::make_curl_transport();
  const auto before = std::chrono::steady_clock::now();
  EXPECT_FALSE(make_managed_identity_source(real, {}, true).fetch({}).token);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(2500));
  close(listener);
}

TEST(Imds, WhatPassesIsUnavailable) {
  for (const int status : {404, 410, 429, 500, 503}) {
    TestWorld world;
    answer_all(world, [&](const auto&, const auto&) {
      return http::scripted_response(status, {}, R"({"error":"being updated"})");
    });
    const Error error = error_of([&] { fetch(world); });
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable) << status;
    EXPECT_TRUE(error.retryable());
    EXPECT_EQ(error.detail().http_status, status);
    EXPECT_THAT(error.what(), HasSubstr("being updated"));
  }
}

TEST(Imds, NoIdentityAssignedIsAnAbsence) {
  TestWorld world;
  answer_all(world, [](const auto&, const auto&) {
    return http::scripted_response(
        400, {},
        R"({"error":"invalid_request","error_description":"Identity not found"})");
  });
  EXPECT_THAT(fetch(world, {{}, "c1"}).absence,
              AllOf(HasSubstr("c1"), HasSubstr("Identity not found")));
}

}  // namespace
}  // namespace cloudsync::auth

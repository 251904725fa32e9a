// SPDX-License-Identifier: Apache-2.0
#include "auth/aws/sso_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "auth/aws/aws_world_testing.h"

namespace cloudsync::auth {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kConfig[] =
    "[profile dev]\nsso_session = dev\nsso_account_id = 012345678901\n"
    "sso_role_name = Reader & co\n"
    "[sso-session dev]\nsso_region = eu-west-1\nsso_start_url = https://x.example\n";
// SHA-1 of "dev", as the published scenarios have it.
constexpr char kFile[] = ".aws/sso/cache/34c6fceca75e456f25e7e99531e2425c6c1de443.json";
constexpr char kRole[] =
    R"({"roleCredentials":{"accessKeyId":"ASIASSO","secretAccessKey":"sso_secret",)"
    R"("sessionToken":"sso_session","expiration":1767330000000}})";

class SsoClientTest : public ::testing::Test {
 protected:
  SsoClientTest() : world_("2026-01-02T03:00:00Z") {
    world_.write_config(kConfig);
    write_token(json::object());
  }
  void write_token(const json& changes) {
    json token = {{"accessToken", "old-access-token"},
                  {"expiresAt", "2026-01-02T08:00:00Z"},
                  {"refreshToken", "old-refresh-token"},
                  {"clientId", "client-id"},
                  {"clientSecret", "hidden-client-secret"},
                  {"registrationExpiresAt", "2026-03-01T00:00:00Z"},
                  {"region", "eu-west-1"},
                  {"startUrl", "https://x.example"},
                  {"unknown", 7}};
    token.update(changes);
    world_.write(kFile, token.dump());
  }
  json token_file() const { return json::parse(world_.read(kFile)); }
  AwsCredentials find() { return world_.find({{"AWS_PROFILE", "dev"}}); }
  Error failure() { return world_.failure({{"AWS_PROFILE", "dev"}}); }

  TestWorld world_;
};

constexpr char kRenewal[] =
    R"({"accessToken":"new-access-token","expiresIn":28800,"tokenType":"Bearer",)"
    R"("refreshToken":"new-refresh-token"})";

TEST_F(SsoClientTest, RoleIsAskedForWithTheToken) {
  world_.answer(200, kRole);
  const AwsCredentials found = find();
  EXPECT_EQ(found.access_key_id, "ASIASSO");
  EXPECT_EQ(found.session_token, "sso_session");
  EXPECT_EQ(found.expires_ns, 1767330000000LL * 1'000'000);
  EXPECT_EQ(world_.last().method, "GET");
  EXPECT_EQ(world_.last().url,
            "https://portal.sso.eu-west-1.amazonaws.com/federation/credentials?"
            "role_name=Reader%20%26%20co&account_id=012345678901");
  EXPECT_EQ(world_.last().header("x-amz-sso_bearer_token"), "old-access-token");
}

TEST_F(SsoClientTest, TokenNearItsEndIsRenewedAndWrittenBack) {
  write_token({{"expiresAt", "2026-01-02T03:04:00Z"}});
  world_.answer(200, kRenewal).answer(200, kRole);
  find();
  const Recorded renewal = world_.requests().front();
  EXPECT_EQ(renewal.method, "POST");
  EXPECT_EQ(renewal.url, "https://oidc.eu-west-1.amazonaws.com/token");
  EXPECT_EQ(renewal.header("content-type"), "application/json");
  EXPECT_EQ(json::parse(renewal.body), json({{"clientId", "client-id"},
                                             {"clientSecret", "hidden-client-secret"},
                                             {"grantType", "refresh_token"},
                                             {"refreshToken", "old-refresh-token"}}));
  EXPECT_EQ(world_.last().header("x-amz-sso_bearer_token"), "new-access-token");
  const json kept = token_file();
  EXPECT_EQ(kept.at("accessToken"), "new-access-token");
  EXPECT_EQ(kept.at("refreshToken"), "new-refresh-token");
  EXPECT_EQ(kept.at("expiresAt"), "2026-01-02T11:00:00Z");
  EXPECT_EQ(kept.at("unknown"), 7) << "what other tools keep there stays";
}

TEST_F(SsoClientTest, WrittenFileIsForItsOwnerOnlyAndAloneInTheFolder) {
  write_token({{"expiresAt", "2026-01-02T02:00:00Z"}});
  ASSERT_EQ(chmod(world_.path(kFile).c_str(), 0644), 0);
  world_.answer(200, kRenewal).answer(200, kRole);
  find();
  struct stat status{};
  ASSERT_EQ(stat(world_.path(kFile).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  const std::filesystem::directory_iterator files(world_.path(".aws/sso/cache"));
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST_F(SsoClientTest, TokenThatCannotBeKeptIsUsedFromMemory) {
  write_token({{"expiresAt", "2026-01-02T02:00:00Z"}});
  const std::string aside = world_.path("aside");
  world_.transport().expect([&](const http::HttpRequest&, const std::string&, ByteSink*) {
    std::filesystem::rename(world_.path(kFile), aside);
    return http::scripted_response(200, {}, kRenewal);
  });
  world_.answer(200, kRole).answer(200, kRole);
  const auto chain = world_.chain({{"AWS_PROFILE", "dev"}});
  const auto first = chain->credentials({}).value();
  std::filesystem::rename(aside, world_.path(kFile));
  chain->invalidate(first);
  chain->credentials({});
  EXPECT_EQ(world_.requests().size(), 3U) << "the used refresh token is not sent again";
  EXPECT_EQ(world_.last().header("x-amz-sso_bearer_token"), "new-access-token");
}

TEST_F(SsoClientTest, RenewalThatFailsIsBridgedWhileTheTokenIsValid) {
  write_token({{"expiresAt", "2026-01-02T03:04:00Z"}});
  world_.answer(503, "").answer(200, kRole);
  EXPECT_EQ(find().access_key_id, "ASIASSO");
  write_token({{"expiresAt", "2026-01-02T02:00:00Z"}});
  world_.answer(503, "");
  EXPECT_TRUE(failure().retryable());
}

TEST_F(SsoClientTest, RefusedRenewalSaysHowToLogIn) {
  write_token({{"expiresAt", "2026-01-02T02:00:00Z"}});
  world_.answer(400, R"({"error":"invalid_grant","error_description":)"
                     R"("old-refresh-token is not valid"})");
  const Error error = failure();
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("invalid_grant: *** is not valid (HTTP 400)"),
                                  HasSubstr("aws sso login --profile dev")));
}

TEST_F(SsoClientTest, TokenThatAnotherToolRenewedMeanwhileIsTaken) {
  write_token({{"expiresAt", "2026-01-02T02:00:00Z"}});
  world_.transport().expect(
      [this](const http::HttpRequest&, const std::string&, ByteSink*) {
        write_token({{"accessToken", "of-the-other-tool"}});
        return http::scripted_response(400, {}, R"({"error":"invalid_grant"})");
      });
  world_.answer(200, kRole);
  find();
  EXPECT_EQ(world_.last().header("x-amz-sso_bearer_token"), "of-the-other-tool");
}

TEST_F(SsoClientTest, ExpiredLoginThatCannotBeRenewedNeedsNoRequest) {
  for (const json& changes : {json{{"refreshToken", nullptr}},
                              json{{"registrationExpiresAt", "2026-01-01T00:00:00Z"}}}) {
    json all = changes;
    all["expiresAt"] = "2026-01-02T02:00:00Z";
    write_token(all);
    const Error error = failure();
    EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("expired at 2026-01-02T02:00:00Z"),
                                    HasSubstr("aws sso login --profile dev")));
  }
  EXPECT_TRUE(world_.requests().empty());
}

TEST_F(SsoClientTest, TokenThatIsAbsentOrBrokenIsNamed) {
  for (const std::string& text :
       {std::string("{"), std::string("[]"), std::string("{}"),
        std::string(R"({"accessToken":5,"expiresAt":"2027-01-01T00:00:00Z"})"),
        std::string(R"({"accessToken":"a\r\nb","expiresAt":"2027-01-01T00:00:00Z"})"),
        std::string(R"({"accessToken":"abcd","expiresAt":"soon"})"),
        std::string(3 << 20, ' ')}) {
    world_.write(kFile, text);
    EXPECT_THAT(failure().what(), AllOf(HasSubstr(kFile), HasSubstr("aws sso login")));
  }
  std::filesystem::remove(world_.path(kFile));
  EXPECT_THAT(failure().what(), HasSubstr("does not exist"));
  EXPECT_TRUE(world_.requests().empty());
}

TEST_F(SsoClientTest, LegacyLoginIsKeptUnderItsUrlWithItsOldTimes) {
  world_.write_config(
      "[profile dev]\nsso_start_url = https://ssotest.awsapps.com/start\n"
      "sso_region = us-east-2\nsso_account_id = 1\nsso_role_name = r\n");
  world_.write(".aws/sso/cache/dace00cba5f8355ec9d274ceb2bcebdfbeed0e12.json",
               R"({"accessToken":"legacy-token","expiresAt":"2026-01-02T08:00:00UTC"})");
  world_.answer(200, kRole);
  find();
  EXPECT_EQ(world_.last().header("x-amz-sso_bearer_token"), "legacy-token");
}

TEST_F(SsoClientTest, RefusedRolesSayWhatIsMissing) {
  world_.answer(401, R"({"message":"Signed out elsewhere"})",
                {{"x-amzn-ErrorType", "UnauthorizedException:http://x"}});
  EXPECT_THAT(failure().what(),
              AllOf(HasSubstr("UnauthorizedException: Signed out elsewhere"),
                    HasSubstr("aws sso login --profile dev")));
  world_.answer(403, R"({"message":"No access","__type":"ForbiddenException"})");
  const Error error = failure();
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(error.what(),
              AllOf(HasSubstr("ForbiddenException: No access"),
                    HasSubstr("permission set Reader & co must be assigned")));
}

TEST_F(SsoClientTest, HostileAnswersAreRefusedWithoutTheirText) {
  for (const std::string& body :
       {std::string(), std::string("{}"), std::string(R"({"roleCredentials":[]})"),
        std::string(R"({"roleCredentials":{"accessKeyId":"k","secretAccessKey":"s",)"
                    R"("sessionToken":"t","expiration":18446744073709551615}})"),
        std::string(R"({"roleCredentials":{"accessKeyId":"k","secretAccessKey":"s",)"
                    R"("sessionToken":"t","expiration":-5}})"),
        std::string(R"({"roleCredentials":{"accessKeyId":"k","secretAccessKey":"s",)"
                    R"("sessionToken":"t","expiration":"x"}})"),
        std::string(R"({"roleCredentials":{"accessKeyId":"hush","expiration":1}})")}) {
    world_.answer(200, body);
    const Error error = failure();
    EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated) << body;
    EXPECT_THAT(error.what(), Not(HasSubstr("hush")));
  }
}

TEST_F(SsoClientTest, HostileRenewalsAreRefused) {
  for (const std::string& body :
       {std::string("{}"), std::string(R"({"accessToken":"t"})"),
        std::string(R"({"accessToken":"t t","expiresIn":5})"),
        std::string(R"({"accessToken":"tttt","expiresIn":99999999999999})"),
        std::string(R"({"accessToken":"tttt","expiresIn":-1})"),
        std::string(R"({"accessToken":"tttt","expiresIn":"5"})")}) {
    write_token({{"expiresAt", "2026-01-02T02:00:00Z"}});
    world_.answer(200, body);
    EXPECT_EQ(failure().code(), ErrorCode::kUnauthenticated) << body;
    EXPECT_EQ(token_file().at("accessToken"), "old-access-token");
  }
}

}  // namespace
}  // namespace cloudsync::auth

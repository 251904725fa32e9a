// SPDX-License-Identifier: Apache-2.0
// Roles: of profiles and by web identity, against a scripted STS.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/aws/aws_world_testing.h"
#include "auth/aws/sigv4.h"
#include "base/encoding.h"
#include "hash/digest.h"

namespace cloudsync::auth {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kChain[] =
    "[default]\nregion = eu-west-1\nrole_arn = arn:aws:iam::1:role/a\n"
    "source_profile = base\nexternal_id = e&1\nrole_session_name = me\n"
    "duration_seconds = 1800\n"
    "[profile base]\naws_access_key_id = AKIABASE\naws_secret_access_key = base_secret\n";

class AssumeRoleTest : public ::testing::Test {
 protected:
  TestWorld world_;
};

// What STS does with the request: the signature over what arrived.
std::string signature_for(const Recorded& request, const AwsCredentials& signer,
                          const std::string& region) {
  SigningRequest signing{request.method, "/", {}, {}, {}};
  for (const auto& [name, value] : request.headers) {
    if (name != "authorization") signing.headers.emplace_back(name, value);
  }
  signing.payload_hash =
      base::to_hex(hash::Sha256::of(std::as_bytes(std::span(request.body))));
  SigningScope scope{region, "sts", 0, true, true};
  const std::string time = request.header("x-amz-date");
  scope.time_ns = base::parse_rfc3339(time.substr(0, 4) + "-" + time.substr(4, 2) + "-" +
                                      time.substr(6, 5) + ":" + time.substr(11, 2) + ":" +
                                      time.substr(13))
                      .value();
  return authorization_header(signing, signer, scope);
}

TEST_F(AssumeRoleTest, RequestIsTheSignedFormOfTheApi) {
  world_.write_config(kChain);
  world_.answer(200, sts_answer("AssumeRole", "2026-01-02T04:04:05Z"));
  const AwsCredentials found = world_.find();
  EXPECT_EQ(found.access_key_id, "ASIAROLE");
  EXPECT_EQ(found.secret_access_key, "role_secret");
  EXPECT_EQ(found.session_token, "role_token");
  EXPECT_EQ(found.expires_ns, base::parse_rfc3339("2026-01-02T04:04:05Z"));
  const Recorded request = world_.last();
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url, "https://sts.eu-west-1.amazonaws.com/");
  EXPECT_EQ(request.body,
            "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole"
            "%2Fa&RoleSessionName=me&DurationSeconds=1800&ExternalId=e%261");
  EXPECT_EQ(request.header("host"), "sts.eu-west-1.amazonaws.com");
  EXPECT_EQ(request.header("x-amz-date"), "20260102T030405Z");
  EXPECT_THAT(request.header("authorization"),
              StartsWith("AWS4-HMAC-SHA256 Credential=AKIABASE/20260102/eu-west-1/sts/"));
  EXPECT_EQ(request.header("authorization"),
            signature_for(request, {"AKIABASE", "base_secret", "", {}, ""}, "eu-west-1"));
}

TEST_F(AssumeRoleTest, ChainsAreAssumedFromTheBaseUp) {
  world_.write_config(
      "[default]\nrole_arn = a\nsource_profile = b\n"
      "[profile b]\nrole_arn = b\nsource_profile = c\n"
      "[profile c]\naws_access_key_id = KEYC\naws_secret_access_key = secret_c\n");
  world_.answer(200, sts_answer("AssumeRole", "2026-01-02T04:00:00Z", "KEYB"))
      .answer(200, sts_answer("AssumeRole", "2026-01-02T04:00:00Z", "KEYA"));
  EXPECT_EQ(world_.find().access_key_id, "KEYA");
  const auto requests = world_.requests();
  EXPECT_THAT(requests[0].body, HasSubstr("RoleArn=b&"));
  EXPECT_THAT(requests[0].header("authorization"), HasSubstr("Credential=KEYC/"));
  EXPECT_EQ(requests[0].header("x-amz-security-token"), "");
  EXPECT_THAT(requests[1].body, HasSubstr("RoleArn=a&"));
  EXPECT_THAT(requests[1].header("authorization"), HasSubstr("Credential=KEYB/"));
  EXPECT_EQ(requests[1].header("x-amz-security-token"), "role_token");
  EXPECT_THAT(requests[1].body, HasSubstr("RoleSessionName=cloudsync-17673230"));
}

TEST_F(AssumeRoleTest, EnvironmentIsACredentialSource) {
  world_.write_config("[profile p]\nrole_arn = a\ncredential_source = Environment\n");
  world_.answer(200, sts_answer("AssumeRole", "2026-01-02T04:00:00Z"));
  AwsCredentialOptions options;
  options.profile = "p";
  world_.find({{"AWS_ACCESS_KEY_ID", "ENVKEY"}, {"AWS_SECRET_ACCESS_KEY", "env_secret"}},
              options);
  EXPECT_THAT(world_.last().header("authorization"), HasSubstr("Credential=ENVKEY/"));
}

std::string asked_host(const std::string& profile, const Variables& variables,
                       const AwsCredentialOptions& options = {}) {
  TestWorld world;
  world.write_config("[default]\nrole_arn = a\nsource_profile = b\n" + profile +
                     "\n[profile b]\naws_access_key_id = k\naws_secret_access_key = s\n");
  world.answer(200, sts_answer("AssumeRole", "2026-01-02T04:00:00Z"));
  world.find(variables, options);
  EXPECT_EQ("https://" + world.last().header("host") + "/", world.last().url);
  return world.last().header("host");
}

TEST_F(AssumeRoleTest, EndpointFollowsRegionAndVariant) {
  EXPECT_EQ(asked_host("", {}), "sts.us-east-1.amazonaws.com");
  EXPECT_EQ(asked_host("", {{"AWS_DEFAULT_REGION", "eu-west-3"}}),
            "sts.eu-west-3.amazonaws.com");
  EXPECT_EQ(asked_host("region = cn-north-1", {}), "sts.cn-north-1.amazonaws.com.cn");
  EXPECT_EQ(asked_host("region = eu-west-1\nuse_dualstack_endpoint = true", {}),
            "sts.eu-west-1.api.aws");
  EXPECT_EQ(asked_host("region = us-east-2", {{"AWS_USE_FIPS_ENDPOINT", "true"}}),
            "sts-fips.us-east-2.amazonaws.com");
  EXPECT_EQ(asked_host("region = us-gov-west-1\nuse_fips_endpoint = true", {}),
            "sts.us-gov-west-1.amazonaws.com");
  AwsCredentialOptions options;
  options.region = "eu-central-1";
  options.use_fips_endpoint = true;
  options.use_dual_stack = true;
  EXPECT_EQ(asked_host("", {}, options), "sts-fips.eu-central-1.api.aws");
  EXPECT_EQ(asked_host("", {{"AWS_ENDPOINT_URL_STS", "https://sts.example:8443/"}}),
            "sts.example:8443");
}

TEST_F(AssumeRoleTest, RegionThatIsNoneIsRefusedBeforeItBecomesAHost) {
  world_.write_config(kChain);
  const Error error = world_.failure({{"AWS_REGION", "evil.example/"}});
  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  EXPECT_TRUE(world_.requests().empty());
}

TEST_F(AssumeRoleTest, SecretsAreNotSentInTheClear) {
  world_.write_config(kChain);
  const Error error = world_.failure({{"AWS_ENDPOINT_URL_STS", "http://sts.example"}});
  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.what(), HasSubstr("must begin with https://"));
  EXPECT_TRUE(world_.requests().empty());
}

TEST_F(AssumeRoleTest, MissingRightIsNamedWithWhereToGiveIt) {
  world_.write_config(kChain);
  world_.answer(403, sts_refusal("AccessDenied", "User: u is not authorized"));
  const Error error = world_.failure();
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_FALSE(error.retryable());
  EXPECT_EQ(error.detail().provider_code, "AccessDenied");
  EXPECT_EQ(error.detail().request_id, "req-1");
  EXPECT_THAT(error.what(),
              AllOf(HasSubstr("role arn:aws:iam::1:role/a of profile \"default\" in"),
                    HasSubstr("AccessDenied: User: u is not authorized (request req-1)"),
                    HasSubstr("sts:AssumeRole"), HasSubstr("trust policy")));
}

TEST_F(AssumeRoleTest, OutagesAndThrottlingMayPassAndRefusalsNot) {
  world_.write_config(kChain);
  world_.silence()
      .answer(503, "")
      .answer(400, sts_refusal("Throttling", "slow down"))
      .answer(403, sts_refusal("SignatureDoesNotMatch", "no"))
      .answer(403, "<html>");
  for (int i = 0; i < 3; ++i) {
    const Error error = world_.failure();
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable) << error.what();
    EXPECT_TRUE(error.retryable());
  }
  EXPECT_EQ(world_.failure().code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(world_.failure().what(), HasSubstr("was refused: HTTP 403"));
}

TEST_F(AssumeRoleTest, AnswersThatAreNoneAreRefused) {
  world_.write_config(kChain);
  const std::string good = sts_answer("AssumeRole", "2026-01-02T04:00:00Z");
  for (const std::string& body :
       {std::string(), std::string("{}"), std::string("<AssumeRoleResponse/>"),
        good.substr(0, good.size() / 2), sts_answer("AssumeRole", "soon"),
        sts_answer("AssumeRole", "2026-01-02T04:00:00Z", ""),
        sts_answer("AssumeRole", "2026-01-02T04:00:00Z", "a&#13;&#10;x: y"),
        sts_answer("AssumeRole", "2026-01-02T04:00:00Z", std::string(70000, 'k')),
        sts_answer("AssumeRole", "2001-01-02T04:00:00Z"), std::string(3 << 20, '<')}) {
    world_.answer(200, body);
    EXPECT_EQ(world_.failure().code(), ErrorCode::kUnauthenticated)
        << body.substr(0, 300);
  }
}

TEST_F(AssumeRoleTest, NoSecretIsInAMessage) {
  world_.write_config(kChain);
  // A service that repeats what it was sent.
  world_.transport().expect(
      [](const http::HttpRequest& request, const std::string& body, ByteSink*) {
        std::string all = "base_secret " + body;
        for (const auto& [name, value] : request.headers) all += " " + value;
        return http::scripted_response(403, {}, sts_refusal("Odd", all));
      });
  EXPECT_THAT(world_.failure().what(),
              AllOf(HasSubstr("Odd"), Not(HasSubstr("base_secret"))));
}

Variables web_identity(const std::string& file) {
  return {{"AWS_WEB_IDENTITY_TOKEN_FILE", file},
          {"AWS_ROLE_ARN", "arn:r"},
          {"AWS_ROLE_SESSION_NAME", "pod"}};
}

TEST_F(AssumeRoleTest, WebIdentityRequestIsNotSigned) {
  const auto file = world_.write("token", "jwt.one\n");
  world_.answer(200, sts_answer("AssumeRoleWithWebIdentity", "2026-01-02T04:00:00Z"));
  EXPECT_EQ(world_.find(web_identity(file)).access_key_id, "ASIAROLE");
  EXPECT_EQ(world_.last().body,
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Ar&"
            "RoleSessionName=pod&WebIdentityToken=jwt.one");
  EXPECT_EQ(world_.last().header("authorization"), "");
}

TEST_F(AssumeRoleTest, WebIdentityTokenIsReadAnewForEveryRenewal) {
  const auto file = world_.write("token", "jwt.one");
  world_.answer(200, sts_answer("AssumeRoleWithWebIdentity", "2026-01-02T04:00:00Z"))
      .answer(200, sts_answer("AssumeRoleWithWebIdentity", "2026-01-02T05:00:00Z"));
  const auto chain = world_.chain(web_identity(file));
  chain->credentials({});
  world_.write("token", "jwt.two");
  world_.clock().set("2026-01-02T03:59:00Z");
  EXPECT_EQ(chain->credentials({})->expires_ns,
            base::parse_rfc3339("2026-01-02T05:00:00Z"));
  EXPECT_THAT(world_.last().body, HasSubstr("WebIdentityToken=jwt.two"));
}

TEST_F(AssumeRoleTest, WebIdentityRefusalsSayWhatToDo) {
  const auto file = world_.write("token", "secret.jwt.text");
  world_.answer(400, sts_refusal("ExpiredTokenException", "secret.jwt.text expired"))
      .answer(403, sts_refusal("AccessDenied", "Not authorized"))
      .answer(400, sts_refusal("IDPCommunicationError", "provider is slow"));
  const Error expired = world_.failure(web_identity(file));
  EXPECT_EQ(expired.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(expired.what(),
              AllOf(HasSubstr("owner has to replace it"), Not(HasSubstr("secret.jwt"))));
  EXPECT_THAT(world_.failure(web_identity(file)).what(),
              HasSubstr("allow sts:AssumeRoleWithWebIdentity"));
  EXPECT_TRUE(world_.failure(web_identity(file)).retryable());
}

TEST_F(AssumeRoleTest, WebIdentityFilesThatHoldNoTokenAreRefused) {
  EXPECT_THAT(world_.failure(web_identity(world_.path("absent"))).what(),
              AllOf(HasSubstr("absent"), HasSubstr("No such file")));
  EXPECT_THAT(world_.failure(web_identity(world_.write("empty", " \n"))).what(),
              HasSubstr("is empty"));
  EXPECT_THAT(world_.failure(web_identity(world_.write("two", "a\nb"))).what(),
              HasSubstr("line break"));
  EXPECT_THAT(world_.failure(web_identity(world_.path(".aws"))).what(),
              HasSubstr("directory"));
  EXPECT_THAT(
      world_.failure(web_identity(world_.write("big", std::string(1 << 20, 'x')))).what(),
      HasSubstr("too large"));
  EXPECT_THAT(world_.failure({{"AWS_WEB_IDENTITY_TOKEN_FILE", "/t"}}).what(),
              HasSubstr("but not AWS_ROLE_ARN"));
  EXPECT_TRUE(world_.requests().empty());
}

TEST_F(AssumeRoleTest, ChosenProfileIsNotOverruledByTheWebIdentityOfAPod) {
  world_.write_config("[profile p]\nregion = eu-west-1\n");
  AwsCredentialOptions options;
  options.profile = "p";
  Variables variables = web_identity(world_.write("token", "jwt"));
  variables["AWS_EC2_METADATA_DISABLED"] = "TRUE";
  EXPECT_THAT(world_.failure(variables, options).what(),
              HasSubstr("no AWS credentials were found"));
}

}  // namespace
}  // namespace cloudsync::auth

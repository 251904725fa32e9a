// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/aws/aws_world_testing.h"

namespace cloudsync::auth {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kChosen[] =
    "[default]\nrole_arn = r\ncredential_source = Ec2InstanceMetadata\n";

class ImdsSourceTest : public ::testing::Test {
 protected:
  ImdsSourceTest() : world_("2026-01-01T00:00:00Z") {}
  TestWorld& answer_token() { return world_.answer(200, "session"); }
  TestWorld& answer_role(const std::string& expiration, const std::string& key) {
    return world_.answer(200, "role").answer(200, metadata_answer(expiration, key));
  }
  TestWorld world_;
};

TEST_F(ImdsSourceTest, SessionTokenIsKeptForItsLife) {
  world_.answer(200, "session\n", {{"X-aws-ec2-metadata-token-ttl-seconds", "3600"}});
  answer_role("2026-01-01T00:40:00Z", "ONE");
  answer_role("2026-01-01T01:40:00Z", "TWO");
  answer_token();
  answer_role("2026-01-01T06:00:00Z", "THREE");
  const auto chain = world_.chain();
  EXPECT_EQ(chain->credentials({})->access_key_id, "ONE");
  EXPECT_EQ(world_.requests().size(), 3U);
  world_.clock().set("2026-01-01T00:39:00Z");
  EXPECT_EQ(chain->credentials({})->access_key_id, "TWO");
  EXPECT_EQ(world_.requests().size(), 5U);
  EXPECT_EQ(world_.last().header("x-aws-ec2-metadata-token"), "session");
  world_.clock().set("2026-01-01T01:39:00Z");
  EXPECT_EQ(chain->credentials({})->access_key_id, "THREE");
  EXPECT_EQ(world_.requests().size(), 8U);
}

TEST_F(ImdsSourceTest, RefusedSessionTokenIsReplacedOnce) {
  answer_token().answer(401, "").answer(200, "session2");
  answer_role("2026-01-01T06:00:00Z", "ONE");
  EXPECT_EQ(world_.find().access_key_id, "ONE");
  EXPECT_EQ(world_.last().header("x-aws-ec2-metadata-token"), "session2");
  answer_token().answer(401, "").answer(200, "session2").answer(401, "");
  EXPECT_THAT(world_.failure().what(), HasSubstr("refuses its own session token"));
}

TEST_F(ImdsSourceTest, ProxiesAreBypassedAndTheTokenRequestHasItsLifeTime) {
  world_.transport().expect(
      [](const http::HttpRequest& request, const std::string& body, ByteSink*) {
        EXPECT_TRUE(request.bypass_proxy);
        EXPECT_EQ(request.method, "PUT");
        EXPECT_EQ(body, "");
        EXPECT_NE(request.body, nullptr) << "Content-Length: 0";
        return http::scripted_response(200, {}, "session");
      });
  answer_role("2026-01-01T06:00:00Z", "ONE");
  world_.find();
}

TEST_F(ImdsSourceTest, SilenceIsUsualAsTheLastPlaceAndAnOutageWhenChosen) {
  world_.silence();
  const Error last = world_.failure();
  EXPECT_EQ(last.code(), ErrorCode::kUnauthenticated);
  EXPECT_FALSE(last.retryable());
  EXPECT_THAT(last.what(), AllOf(HasSubstr("no AWS credentials were found"),
                                 HasSubstr("no answer: connection refused")));
  world_.write_config(kChosen);
  world_.silence();
  const Error chosen = world_.failure();
  EXPECT_EQ(chosen.code(), ErrorCode::kUnavailable);
  EXPECT_TRUE(chosen.retryable());
}

TEST_F(ImdsSourceTest, SomebodyWhoFailsIsAnOutageInBothCases) {
  world_.answer(503, "");
  EXPECT_EQ(world_.failure().code(), ErrorCode::kUnavailable);
  world_.write_config(kChosen);
  answer_token().answer(500, "");
  EXPECT_EQ(world_.failure().code(), ErrorCode::kUnavailable);
}

TEST_F(ImdsSourceTest, AttemptsAreMadeAsOftenAsAsked) {
  world_.silence().answer(503, "").answer(200, "session");
  answer_role("2026-01-01T06:00:00Z", "ONE");
  EXPECT_EQ(world_.find({{"AWS_METADATA_SERVICE_NUM_ATTEMPTS", "3"}}).access_key_id,
            "ONE");
}

TEST_F(ImdsSourceTest, TimeLimitIsOneSecondOrWhatIsAsked) {
  const auto limit_of = [&](const Variables& variables) {
    std::chrono::steady_clock::duration left{};
    class Watching final : public http::HttpTransport {
     public:
      explicit Watching(std::chrono::steady_clock::duration& left) : left_(left) {}
      http::HttpResponse send(const http::HttpRequest&, ByteSink*,
                              const CallContext& context) override {
        left_ = *context.deadline - std::chrono::steady_clock::now();
        throw Error(ErrorCode::kDeadlineExceeded, "late");
      }

     private:
      std::chrono::steady_clock::duration& left_;
    };
    AwsWorld world = world_.world(variables);
    world.transport = std::make_shared<Watching>(left);
    error_of([&] { make_aws_credential_chain({}, world)->credentials({}); });
    return std::chrono::ceil<std::chrono::seconds>(left).count();
  };
  EXPECT_EQ(limit_of({}), 1);
  EXPECT_EQ(limit_of({{"AWS_METADATA_SERVICE_TIMEOUT", "7"}}), 7);
  for (const std::string value : {"0", "-1", "x", "1s", "61", "99999999999"}) {
    EXPECT_EQ(world_.failure({{"AWS_METADATA_SERVICE_TIMEOUT", value}}).code(),
              ErrorCode::kInvalidArgument);
  }
}

TEST_F(ImdsSourceTest, SwitchedOffIsNotAsked) {
  world_.write_config(kChosen);
  const Error error = world_.failure({{"AWS_EC2_METADATA_DISABLED", "true"}});
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(error.what(), HasSubstr("switched off by AWS_EC2_METADATA_DISABLED"));
  EXPECT_TRUE(world_.requests().empty());
}

TEST_F(ImdsSourceTest, ExpiredCredentialsGoOnWhileTheServiceIsDown) {
  answer_token();
  answer_role("2026-01-01T01:00:00Z", "ONE");
  const auto chain = world_.chain();
  chain->credentials({});
  world_.silence();
  world_.clock().set("2026-01-01T00:59:00Z");
  EXPECT_EQ(chain->credentials({})->expires_ns,
            base::parse_rfc3339("2026-01-01T01:00:00Z"));
  world_.silence();
  world_.clock().set("2026-01-01T01:00:01Z");
  const auto in_grace = chain->credentials({}).value();
  EXPECT_EQ(in_grace.access_key_id, "ONE");
  EXPECT_EQ(in_grace.expires_ns, base::parse_rfc3339("2026-01-01T01:10:01Z"));
  answer_role("2026-01-01T07:00:00Z", "TWO");
  world_.clock().set("2026-01-01T01:09:00Z");
  EXPECT_EQ(chain->credentials({})->access_key_id, "TWO");
}

TEST_F(ImdsSourceTest, CredentialsThatArriveExpiredGetTheGraceToo) {
  answer_token();
  answer_role("2025-12-31T23:00:00Z", "OLD");
  EXPECT_EQ(world_.find().expires_ns, base::parse_rfc3339("2026-01-01T00:10:00Z"));
}

TEST_F(ImdsSourceTest, NoGraceForCredentialsThatWereRefused) {
  answer_token();
  answer_role("2026-01-01T01:00:00Z", "ONE");
  const auto chain = world_.chain();
  chain->credentials({});
  world_.clock().set("2026-01-01T01:00:01Z");
  world_.silence();
  const auto in_grace = chain->credentials({}).value();
  chain->invalidate(in_grace);
  world_.silence();
  // An outage, as it was before the refusal.
  EXPECT_EQ(error_of([&] { chain->credentials({}); }).code(), ErrorCode::kUnavailable);
}

TEST_F(ImdsSourceTest, RefusalsGiveTheServicesWords) {
  answer_token()
      .answer(200, "role")
      .answer(200,
              R"({"Code":"AssumeRoleUnauthorizedAccess","Message":"EC2 cannot assume"})");
  const Error error = world_.failure();
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(error.what(),
              AllOf(HasSubstr("role role of the instance metadata service"),
                    HasSubstr("AssumeRoleUnauthorizedAccess: EC2 cannot assume")));
}

TEST_F(ImdsSourceTest, HostileTokensAndRolesDoNotReachARequest) {
  for (const std::string& token :
       {std::string(), std::string("a\r\nx: y"), std::string("a b"),
        std::string(100000, 't'), std::string("<html>\n</html>")}) {
    TestWorld world;
    world.answer(200, token);
    EXPECT_EQ(world.failure().code(), ErrorCode::kUnauthenticated) << token.size();
    EXPECT_EQ(world.requests().size(), 1U);
  }
  for (const std::string& role :
       {std::string(), std::string("a b"), std::string(100000, 'r')}) {
    TestWorld world;
    world.answer(200, "session").answer(200, role);
    EXPECT_EQ(world.failure().code(), ErrorCode::kUnauthenticated);
    EXPECT_EQ(world.requests().size(), 2U);
  }
  answer_token().answer(200, "../../x?y");
  world_.answer(404, "");
  world_.failure();
  EXPECT_THAT(world_.last().url, HasSubstr("/security-credentials/..%2F..%2Fx%3Fy"));
}

TEST_F(ImdsSourceTest, TheCallersEndIsNotTakenForTheServicesSilence) {
  world_.transport().expect(
      [](const http::HttpRequest&, const std::string&, ByteSink*) -> http::HttpResponse {
        throw Error(ErrorCode::kDeadlineExceeded, "too late");
      });
  CallContext context;
  context.deadline = std::chrono::steady_clock::now();
  const auto chain = world_.chain();
  EXPECT_EQ(error_of([&] { chain->credentials(context); }).code(),
            ErrorCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace cloudsync::auth

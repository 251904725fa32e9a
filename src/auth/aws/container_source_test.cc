// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/aws/aws_world_testing.h"

namespace cloudsync::auth {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kFull[] = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
constexpr char kRelative[] = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
constexpr char kToken[] = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
constexpr char kTokenFile[] = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
constexpr char kPod[] = "http://169.254.170.23/v1/credentials";

class ContainerSourceTest : public ::testing::Test {
 protected:
  void answer_well() { world_.answer(200, metadata_answer("2030-01-01T00:00:00Z")); }
  TestWorld world_;
};

TEST_F(ContainerSourceTest, EcsAgentIsAskedPastAnyProxy) {
  bool bypassed = false;
  world_.transport().expect(
      [&](const http::HttpRequest& request, const std::string&, ByteSink*) {
        bypassed = request.bypass_proxy;
        return http::scripted_response(200, {}, metadata_answer("2030-01-01T00:00:00Z"));
      });
  const AwsCredentials found = world_.find({{kRelative, "/creds?id=1"}});
  EXPECT_TRUE(bypassed);
  EXPECT_EQ(world_.last().url, "http://169.254.170.2/creds?id=1");
  EXPECT_EQ(world_.last().header("authorization"), "");
  EXPECT_EQ(found.session_token, "meta_token");
}

TEST_F(ContainerSourceTest, TokenFileComesFirstAndIsReadEveryTime) {
  const auto file = world_.write("token", "one\n");
  const Variables variables = {{kFull, kPod}, {kTokenFile, file}, {kToken, "plain"}};
  answer_well();
  answer_well();
  const auto chain = world_.chain(variables);
  const auto first = chain->credentials({}).value();
  EXPECT_EQ(world_.last().header("authorization"), "one");
  world_.write("token", "two");
  chain->invalidate(first);
  chain->credentials({});
  EXPECT_EQ(world_.last().header("authorization"), "two");
}

TEST_F(ContainerSourceTest, TokenOfTheEnvironmentIsSent) {
  answer_well();
  world_.find({{kFull, kPod}, {kToken, "Basic abc"}});
  EXPECT_EQ(world_.last().header("authorization"), "Basic abc");
}

TEST_F(ContainerSourceTest, TokensCannotSmuggleHeaders) {
  const Error error = world_.failure({{kFull, kPod}, {kToken, "hidden\r\nx-evil: 1"}});
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("line break"), Not(HasSubstr("hidden"))));
  const auto file = world_.write("token", "hidden\nx-evil: 1");
  EXPECT_THAT(world_.failure({{kFull, kPod}, {kTokenFile, file}}).what(),
              HasSubstr("line break"));
  EXPECT_TRUE(world_.requests().empty());
}

TEST_F(ContainerSourceTest, TokenIsNotSentInTheClearToOtherMachines) {
  for (const std::string url :
       {"http://example.com/c", "http://169.254.169.254/c", "http://127.0.0.1.evil.io/c",
        "http://localhost.evil.io/c", "http://169.254.170.2@evil.io/c",
        "http://[fd00:ec2::24]/c", "ftp://localhost/c", "http:///c", "https://",
        "http://local host/"}) {
    EXPECT_EQ(world_.failure({{kFull, url}, {kToken, "t"}}).code(),
              ErrorCode::kUnauthenticated)
        << url;
  }
  for (const std::string path : {"creds", "@evil.io/c", ".evil.io/c", ":80@evil.io/"}) {
    EXPECT_EQ(world_.failure({{kRelative, path}}).code(), ErrorCode::kUnauthenticated)
        << path;
  }
  EXPECT_TRUE(world_.requests().empty());
}

TEST_F(ContainerSourceTest, LoopbackAndHttpsAreFine) {
  for (const std::string url : {"http://127.0.0.1:51679/c", "http://[::1]:80/c",
                                "http://127.9.9.9/c", "https://example.com/c"}) {
    answer_well();
    world_.find({{kFull, url}});
    EXPECT_EQ(world_.last().url, url);
  }
}

TEST_F(ContainerSourceTest, RefusalGivesTheServicesWords) {
  world_.answer(403, R"({"code":"AccessDenied","message":"no role for the pod"})");
  const Error error = world_.failure({{kFull, kPod}});
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(error.what(), HasSubstr("AccessDenied: no role for the pod (HTTP 403)"));
}

TEST_F(ContainerSourceTest, HostileAnswersAreRefused) {
  const std::string good = metadata_answer("2030-01-01T00:00:00Z");
  for (const std::string& body :
       {std::string(), std::string("[]"), std::string("null"), std::string("{}"),
        good.substr(0, 60), std::string(R"({"AccessKeyId":1,"SecretAccessKey":[]})"),
        std::string(R"({"AccessKeyId":"a","SecretAccessKey":"b"})"),
        metadata_answer("never"), metadata_answer("2030-01-01T00:00:00Z", "a\\r\\nb"),
        std::string(R"({"AccessKeyId":"a","SecretAccessKey":"b","Token":"c",)"
                    R"("Expiration":1e400})"),
        std::string(
            R"({"AccessKeyId":"a","SecretAccessKey":"b","Token":"c","Expiration":5})"),
        std::string(100000, '['), std::string(2 << 20, ' ')}) {
    world_.answer(200, body);
    EXPECT_EQ(world_.failure({{kFull, kPod}}).code(), ErrorCode::kUnauthenticated)
        << body.substr(0, 100);
  }
}

TEST_F(ContainerSourceTest, OutageMayPass) {
  world_.silence().answer(500, "").answer(429, "");
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(world_.failure({{kFull, kPod}}).retryable());
  }
}

TEST_F(ContainerSourceTest, TheIdOfTheTaskReachesNoMessage) {
  world_.answer(403, R"({"code":"AccessDenied","message":"no"})");
  const Error error = world_.failure({{kRelative, "/v2/credentials/task-id-4711-of-ecs"}});
  EXPECT_THAT(error.what(), AllOf(HasSubstr("http://169.254.170.2/v2/credentials/***"),
                                  HasSubstr("AccessDenied"), Not(HasSubstr("4711"))));
}

TEST_F(ContainerSourceTest, AUserNameInTheUriIsRefusedAndNotRepeated) {
  const Error error = world_.failure({{kFull, "https://me:hidden@h.example/x"}});
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(error.what(), AllOf(HasSubstr(kFull), Not(HasSubstr("hidden"))));
}

}  // namespace
}  // namespace cloudsync::auth

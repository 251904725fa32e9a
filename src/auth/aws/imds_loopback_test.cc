// SPDX-License-Identifier: Apache-2.0
// The metadata service over a real socket.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/aws/aws_world_testing.h"
#include "http/loopback_server_test.h"

namespace cloudsync::auth {
namespace {

using http::Connection;
using http::http_answer;
using http::LoopbackServer;
using http::ReceivedRequest;
using ::testing::HasSubstr;

std::unique_ptr<AwsCredentialsProvider> chain_to(const LoopbackServer& server,
                                                 const ScratchHome& home) {
  return make_aws_credential_chain(
      {}, home.environment({{"AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url("/")}}));
}

std::string answer(const ReceivedRequest& request) {
  if (request.method == "PUT") {
    const bool good =
        request.target == "/latest/api/token" &&
        request.headers.at("x-aws-ec2-metadata-token-ttl-seconds") == "21600" &&
        request.headers.at("content-length") == "0";
    return good ? http_answer("200 OK", "imds-session-9")
                : http_answer("400 Bad Request");
  }
  const auto token = request.headers.find("x-aws-ec2-metadata-token");
  if (token == request.headers.end() || token->second != "imds-session-9") {
    return http_answer("401 Unauthorized");
  }
  if (request.target == "/latest/meta-data/iam/security-credentials/") {
    return http_answer("200 OK", "worker\n");
  }
  return request.target == "/latest/meta-data/iam/security-credentials/worker"
             ? http_answer("200 OK", metadata_answer("2130-01-01T00:00:00Z"))
             : http_answer("404 Not Found");
}

TEST(ImdsOverASocket, GivesTheRolesCredentials) {
  const ScratchHome home;
  const LoopbackServer server(LoopbackServer::answering(answer));
  EXPECT_EQ(chain_to(server, home)->credentials({})->access_key_id, "ASIAMETA");
}

TEST(ImdsOverASocket, SilentMachineCostsASecond) {
  const ScratchHome home;
  const LoopbackServer server([](Connection& connection) {
    connection.read_request();
    connection.wait_until_closed();
  });
  const auto begin = std::chrono::steady_clock::now();
  const Error error = error_of([&] { chain_to(server, home)->credentials({}); });
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(error.what(), HasSubstr("no answer"));
}

}  // namespace
}  // namespace cloudsync::auth

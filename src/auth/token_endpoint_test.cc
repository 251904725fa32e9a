// SPDX-License-Identifier: Apache-2.0
#include "auth/token_endpoint.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "auth/auth_testing.h"
#include "auth/settable_clock_testing.h"
#include "base/log.h"
#include "http/curl_transport.h"
#include "http/scripted_transport.h"

namespace cloudsync::auth {
namespace {

using http::scripted_response;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::int64_t kSecond = SettableClock::kSecond;
constexpr std::int64_t kYear = std::int64_t{366} * 24 * 3600;

// Listens on a free loopback port and never says a word.
class SilentServer {
 public:
  SilentServer() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(fd_, generic, size), 0);
    EXPECT_EQ(listen(fd_, 8), 0);
    EXPECT_EQ(getsockname(fd_, generic, &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~SilentServer() { close(fd_); }
  SilentServer(const SilentServer&) = delete;
  SilentServer& operator=(const SilentServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }

 private:
  int fd_;
  int port_ = 0;
};

CredentialRequest request_to(const std::string& url) {
  return form_request(url, {{"client_secret", "s3cr3t value"}}, "the token of x@y");
}

TEST(TokenEndpoint, FormsAreEncoded) {
  EXPECT_EQ(encode_form({{"a b", "c&d=e"}, {"scope", "https://x/.default"}}),
            "a%20b=c%26d%3De&scope=https%3A%2F%2Fx%2F.default");
  EXPECT_EQ(encode_form({}), "");
}

TEST(TokenEndpoint, SendsTheFormOnce) {
  http::ScriptedTransport transport;
  transport.expect(scripted_response(200, {}, "{}"));
  exchange(transport, request_to("https://login.example/token"), {});
  const auto sent = transport.requests();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].method, "POST");
  EXPECT_EQ(sent[0].body, "client_secret=s3cr3t%20value");
  EXPECT_EQ(sent[0].header("content-type"), "application/x-www-form-urlencoded");
}

TEST(TokenEndpoint, RefusesPlainHttpToStrangers) {
  for (const char* url :
       {"http://login.example/token", "http://127.0.0.1.evil.example/",
        "http://169.254.169.254.evil.example/", "http://localhost.evil.example/",
        "http://127.0.0.1:80@evil.example/", "http://metadata.google.internal.evil/",
        "http://[::1]@evil.example/", "ftp://127.0.0.1/", "http://10.0.0.1/", "http://",
        "127.0.0.1", ""}) {
    http::ScriptedTransport transport;
    const Error error = error_of([&] { exchange(transport, request_to(url), {}); });
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument) << url;
    EXPECT_THAT(error.what(), HasSubstr("must begin with https://"));
    EXPECT_TRUE(transport.requests().empty()) << url;
  }
}

TEST(TokenEndpoint, AsksThisMachineAndMetadataServersOverPlainHttp) {
  for (const char* url :
       {"http://127.0.0.1:8080/token", "http://localhost/x", "http://[::1]:99/",
        "http://169.254.169.254/latest", "http://169.254.170.2/x",
        "http://[fd00:ec2::254]/", "http://metadata.google.internal/x"}) {
    http::ScriptedTransport transport;
    transport.expect(scripted_response(200));
    EXPECT_EQ(exchange(transport, request_to(url), {}).status, 200) << url;
  }
}

TEST(TokenEndpoint, WhatMayPassIsUnavailableAndRetryable) {
  for (const int status : {408, 429, 500, 502, 503, 504}) {
    http::ScriptedTransport transport;
    transport.expect(
        scripted_response(status, {}, R"({"error_description":"come back later"})"));
    const Error error = error_of(
        [&] { exchange(transport, request_to("https://login.example/t?s=hidden"), {}); });
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable) << status;
    EXPECT_TRUE(error.retryable());
    EXPECT_EQ(error.detail().http_status, status);
    EXPECT_THAT(error.what(),
                AllOf(HasSubstr("the token of x@y"), HasSubstr("come back later"),
                      HasSubstr(std::to_string(status)), Not(HasSubstr("hidden")),
                      Not(HasSubstr("s3cr3t"))));
  }
}

TEST(TokenEndpoint, OtherAnswersAreTheCallersToExplain) {
  for (const int status : {200, 301, 400, 401, 403, 404}) {
    http::ScriptedTransport transport;
    transport.expect(scripted_response(status));
    EXPECT_EQ(exchange(transport, request_to("https://x/"), {}).status, status);
  }
}

TEST(TokenEndpoint, NetworkFailuresKeepWhetherTheyMayPass) {
  for (const bool retryable : {true, false}) {
    http::ScriptedTransport transport(
        [&](const auto&, const auto&, auto*) -> http::HttpResponse {
          throw Error(ErrorCode::kUnavailable, "no route").with_retryable(retryable);
        });
    const Error error =
        error_of([&] { exchange(transport, request_to("https://x/token"), {}); });
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
    EXPECT_EQ(error.retryable(), retryable);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("https://x/token"), HasSubstr("no route")));
  }
}

TEST(TokenEndpoint, ItsOwnTimeLimitIsTheServicesFaultAndTheCallersIsNot) {
  http::ScriptedTransport transport(
      [&](const auto&, const auto&, auto*) -> http::HttpResponse {
        throw Error(ErrorCode::kDeadlineExceeded, "too slow");
      });
  const auto code_with = [&](const CallContext& context) {
    return error_of([&] { exchange(transport, request_to("https://x/"), context); })
        .code();
  };
  EXPECT_EQ(code_with({}), ErrorCode::kUnavailable);
  EXPECT_EQ(code_with({{}, std::chrono::steady_clock::now()}),
            ErrorCode::kDeadlineExceeded);
}

TEST(TokenEndpoint, AServiceThatDoesNotAnswerIsGivenUpInTime) {
  const SilentServer server;
  const auto transport = http::make_curl_transport();
  CredentialRequest request = request_to(server.url());
  request.timeout_seconds = 1;
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(error_of([&] { exchange(*transport, request, {}); }).code(),
            ErrorCode::kUnavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5));
}

TEST(TokenEndpoint, AStopIsAStop) {
  http::ScriptedTransport transport(
      [&](const auto&, const auto&, auto*) -> http::HttpResponse {
        throw Error(ErrorCode::kCancelled, "stopped on request");
      });
  EXPECT_EQ(error_of([&] { exchange(transport, request_to("https://x/"), {}); }).code(),
            ErrorCode::kCancelled);
}

AccessToken parse(int status, const std::string& body) {
  const SettableClock clock;
  return parse_token_reply(scripted_response(status, {}, body),
                           request_to("https://login.example/token"), clock);
}

std::optional<std::int64_t> life_of(const std::string& expires_in) {
  const auto token =
      parse(200, R"({"access_token":"good-token-1","expires_in":)" + expires_in + "}");
  if (!token.expires_ns) return std::nullopt;
  return (*token.expires_ns - SettableClock::kStart) / kSecond;
}

TEST(TokenReply, TheLifeMayBeANumberOrText) {
  EXPECT_EQ(life_of("3599"), 3599);
  EXPECT_EQ(life_of("\"3599\""), 3599);
  EXPECT_EQ(life_of("3599.0"), 3599);
  EXPECT_EQ(life_of("null"), std::nullopt);
  EXPECT_EQ(life_of("\"soon\""), std::nullopt);
  EXPECT_EQ(life_of("[]"), std::nullopt);
}

TEST(TokenReply, AnAbsurdLifeDoesNotOverflow) {
  EXPECT_EQ(life_of("-5"), 0);
  EXPECT_EQ(life_of("9223372036854775807"), kYear);
  EXPECT_EQ(life_of("18446744073709551615"), kYear);
  EXPECT_EQ(life_of("1e300"), kYear);
  EXPECT_EQ(life_of("\"9223372036854775807\""), kYear);
  EXPECT_EQ(life_of("\"99999999999999999999\""), std::nullopt);
}

TEST(TokenReply, TheTokenIsKeptOutOfLogs) {
  parse(200, R"({"access_token":"very-secret-token-77"})");
  EXPECT_THAT(base::redacted("x very-secret-token-77 y"),
              Not(HasSubstr("very-secret-token-77")));
}

TEST(TokenReply, ARefusalSaysTheServicesWords) {
  const Error error = error_of([] {
    parse(401,
          R"({"error":"invalid_client","error_description":"the secret\u001b is old"})");
  });
  EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated);
  EXPECT_EQ(error.detail().http_status, 401);
  EXPECT_THAT(error.what(),
              AllOf(HasSubstr("the token of x@y from https://login.example/token"),
                    HasSubstr("invalid_client: the secret\\x1b is old")));
}

TEST(TokenReply, ASecretThatTheServiceRepeatsIsMasked) {
  base::redact_secret("echoed-secret-5");
  const Error error = error_of([] {
    parse(400, R"({"error":"bad","error_description":"no echoed-secret-5 known"})");
  });
  EXPECT_THAT(error.what(), AllOf(HasSubstr("bad"), Not(HasSubstr("echoed-secret-5"))));
}

TEST(TokenReply, WhatIsNoTokenIsRefused) {
  for (const char* body :
       {"", "<html>", "[]", "{}", "42", R"({"access_token":7})", R"({"access_token":""})",
        R"({"access_token":"a\r\nX: y"})", R"({"access_token":"two words"})",
        R"({"access_token":"\u00e9"})"}) {
    const Error error = error_of([&] { parse(200, body); });
    EXPECT_EQ(error.code(), ErrorCode::kUnauthenticated) << body;
    EXPECT_THAT(error.what(), HasSubstr("HTTP 200")) << body;
  }
}

TEST(TokenReply, ALongPageOfWordsIsCut) {
  const Error error = error_of([] {
    parse(400,
          R"({"error":"x","error_description":")" + std::string(100000, 'y') + "\"}");
  });
  EXPECT_LT(std::string(error.what()).size(), 1000U);
}

TEST(Exchange, AUserNameInAUrlIsRefusedAndNotRepeated) {
  http::ScriptedTransport transport;
  CredentialRequest request;
  request.url = "https://me:hidden@login.example/token?key=hidden";
  request.purpose = "the token";
  const Error error = error_of([&] { exchange(transport, request, {}); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("https://login.example/token"),
                                  HasSubstr("no user name"), Not(HasSubstr("hidden"))));
}

TEST(Exchange, AnAnswerWithoutWordsIsNamedOnce) {
  http::ScriptedTransport transport;
  transport.expect(http::scripted_response(503, {}, "<html>"));
  CredentialRequest request;
  request.url = "https://login.example/token";
  request.purpose = "the token";
  const Error error = error_of([&] { exchange(transport, request, {}); });
  EXPECT_STREQ(error.what(),
               "the token from https://login.example/token failed: HTTP 503");
}

TEST(TokenReply, ASecretThatIsCutIsMaskedWhole) {
  const std::string secret = "start-of-secret-" + std::string(600, 'z');
  base::redact_secret(secret);
  const Error error = error_of(
      [&] { parse(400, R"({"error":"bad","error_description":")" + secret + "\"}"); });
  EXPECT_THAT(error.what(), Not(HasSubstr("start-of-secret")));
}

}  // namespace
}  // namespace cloudsync::auth

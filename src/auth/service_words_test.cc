// SPDX-License-Identifier: Apache-2.0
#include "auth/service_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/log.h"

namespace cloudsync::auth {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

http::HttpResponse reply_with(int status, const std::string& body,
                              http::Headers headers = {}) {
  http::HttpResponse reply;
  reply.status = status;
  reply.headers = std::move(headers);
  reply.body = body;
  return reply;
}

TEST(ServiceWords, ASecretThatIsLongerThanAMessageLeavesNoPieceBehind) {
  std::string assertion;
  for (int i = 0; i < 400; ++i) assertion += "eyJ" + std::to_string(i);
  base::redact_secret(assertion);
  const std::string before(450, 'x');
  EXPECT_THAT(service_words(before + assertion), Not(HasSubstr("eyJ")));
  EXPECT_THAT(service_words(assertion + assertion + assertion), Not(HasSubstr("eyJ")));
  EXPECT_THAT(
      refusal_words(reply_with(400, R"({"error":"invalid_grant","error_description":")" +
                                        before + assertion + "\"}")),
      Not(HasSubstr("eyJ")));
}

TEST(ServiceWords, AreShortAndOfOneLine) {
  EXPECT_EQ(service_words("ERROR: log in\r\nagain\x01"), "ERROR: log in  again\\x01");
  EXPECT_EQ(service_words(std::string(100'000, 'x')).size(), 500U);
}

TEST(RefusalWords, KnowTheSpellingsOfAllServices) {
  const struct {
    const char* body;
    const char* words;
  } cases[] = {
      {R"({"error":"invalid_grant","error_description":"Bad Request"})",
       "invalid_grant: Bad Request (HTTP 400)"},
      {R"({"error":{"code":403,"message":"no right","status":"DENIED"}})",
       "no right (HTTP 400)"},
      {R"({"error":"invalid_client","error_description":"AADSTS1: no Trace ID: 7\r\n8"})",
       "invalid_client: AADSTS1: no (HTTP 400)"},
      {R"({"__type":"UnauthorizedException","message":"Session token not found"})",
       "UnauthorizedException: Session token not found (HTTP 400)"},
      {R"({"code":"AccessDenied","message":"no"})", "AccessDenied: no (HTTP 400)"},
      {R"({"error":7,"message":["x"]})", "HTTP 400"},
      {"<html>", "HTTP 400"},
      {"", "HTTP 400"}};
  for (const auto& [body, words] : cases) {
    EXPECT_EQ(refusal_words(reply_with(400, body)), words) << body;
  }
}

TEST(RefusalWords, BeginWithTheErrorTypeOfAHeader) {
  EXPECT_EQ(refusal_words(reply_with(401, R"({"message":"no"})",
                                     {{"x-amzn-errortype", "Unauthorized:http://x"}})),
            "Unauthorized: no (HTTP 401)");
}

TEST(RefusalWords, APageIsNotParsed) {
  const std::string page = R"({"message":")" + std::string(2 << 20, 'x') + "\"}";
  EXPECT_EQ(refusal_words(reply_with(502, page)), "HTTP 502");
}

}  // namespace
}  // namespace cloudsync::auth

// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "cloudsync/error.h"
#include "http/curl_transport.h"
#include "http/exchange.h"
#include "http/loopback_server_test.h"

namespace cloudsync::http {
namespace {

using ::testing::HasSubstr;

constexpr std::size_t kFlood = 4 << 20;  // far above every bound, small enough to send

class CountingSink final : public ByteSink {
 public:
  void write(Bytes bytes) override { count += bytes.size(); }
  std::size_t count = 0;
};

std::string repeated(const std::string& text, std::size_t bytes) {
  std::string result;
  while (result.size() < bytes) result += text;
  return result;
}

// Asks a server that answers each request with these bytes.
class AnswerBounds : public ::testing::Test {
 protected:
  HttpResponse get(const std::string& raw, ByteSink* sink = nullptr,
                   std::uint64_t max_body_bytes = std::uint64_t{16} << 20) {
    LoopbackServer server([&](Connection& connection) {
      if (connection.read_request()) connection.write(raw);
    });
    HttpRequest request{.method = "GET", .url = server.url("/x")};
    request.max_body_bytes = max_body_bytes;
    return make_curl_transport({})->send(request, sink, {});
  }

  std::string refusal(const std::string& raw, ByteSink* sink = nullptr,
                      std::uint64_t max_body_bytes = std::uint64_t{16} << 20) {
    try {
      get(raw, sink, max_body_bytes);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
      EXPECT_FALSE(error.retryable());
      return error.what();
    }
    return "no error";
  }
};

constexpr char kChunkedBody[] =
    "HTTP/1.1 200 OK\r\nEtag: \"real\"\r\nTransfer-Encoding: chunked\r\n\r\n"
    "4\r\nbody\r\n0\r\n";

TEST_F(AnswerBounds, EndlessTrailersEndTheRequest) {
  CountingSink sink;
  EXPECT_THAT(
      refusal(kChunkedBody + repeated("X-Trailer: 0123456789\r\n", kFlood), &sink),
      HasSubstr("16 KiB of trailers"));
}

TEST_F(AnswerBounds, TrailersAreNoHeaders) {
  CountingSink sink;
  const auto response = get(std::string(kChunkedBody) + "Etag: \"false\"\r\n\r\n", &sink);
  EXPECT_EQ(response.header("etag"), "\"real\"");
  EXPECT_EQ(response.headers.size(), 2U);
  EXPECT_EQ(response.streamed_bytes, 4U);
}

TEST_F(AnswerBounds, ATrailerIsNeverAStatus) {
  Exchange exchange;
  HttpRequest request{.method = "GET", .url = "http://h/"};
  exchange.begin(request, nullptr);
  exchange.next_send();
  for (const char* line :
       {"HTTP/1.1 100 Continue\r\n", "\r\n", "HTTP/1.1 200 OK\r\n", "Etag: real\r\n",
        "\r\n", "HTTP/1.1 404 Not Found\r\n", "Etag: false\r\n", "\r\n"}) {
    exchange.on_header(line);
  }
  EXPECT_EQ(exchange.status(), 200);
  EXPECT_EQ(exchange.take_response().header("etag"), "real");
}

TEST_F(AnswerBounds, EndlessHeadersEndTheRequest) {
  EXPECT_THAT(refusal("HTTP/1.1 200 OK\r\n" + repeated("X-H: 0123456789\r\n", kFlood)),
              HasSubstr("64 KiB of headers"));
}

TEST_F(AnswerBounds, EndlessInterimAnswersEndTheRequest) {
  EXPECT_THAT(refusal(repeated("HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n", kFlood)),
              HasSubstr("64 KiB of headers"));
}

TEST_F(AnswerBounds, LongAnswersAreRefusedAtTheBoundOfTheRequest) {
  const std::string body(3 << 20, 'x');
  EXPECT_THAT(refusal(http_answer("200 OK", body), nullptr, 2 << 20), HasSubstr("2 MiB"));
  EXPECT_EQ(get(http_answer("200 OK", body), nullptr, 3 << 20).body.size(), body.size());
}

TEST_F(AnswerBounds, AnErrorIsKnownFromItsBeginning) {
  const auto response = get(http_answer(
      "403 Forbidden", "<Code>AccessDenied</Code>" + std::string(kFlood, 'x')));
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(response.body.size(), std::size_t{64} << 10);
  EXPECT_THAT(response.body, ::testing::StartsWith("<Code>AccessDenied</Code>"));
}

}  // namespace
}  // namespace cloudsync::http

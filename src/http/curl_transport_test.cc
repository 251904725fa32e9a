// SPDX-License-Identifier: Apache-2.0
#include "http/curl_transport.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <thread>
#include <vector>

#include "cloudsync/error.h"
#include "http/loopback_server_test.h"

namespace cloudsync::http {
namespace {

using std::chrono::steady_clock;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

class StringSink final : public ByteSink {
 public:
  void write(Bytes bytes) override {
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  std::string text;
};

class ThrowingSink final : public ByteSink {
 public:
  void write(Bytes) override { throw Error(ErrorCode::kDiskFull, "no space left"); }
};

class ThrowingSource final : public ByteSource {
 public:
  std::uint64_t size() const override { return 10; }
  std::size_t read(MutableBytes) override {
    throw Error(ErrorCode::kPreconditionFailed, "the file changed");
  }
  void rewind() override {}
};

class ShortSource final : public ByteSource {
 public:
  std::uint64_t size() const override { return 10; }
  std::size_t read(MutableBytes) override { return 0; }
  void rewind() override {}
};

MemorySource source_of(const std::string& text) {
  return MemorySource(std::as_bytes(std::span(text)));
}

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i * 7 % 26);
  return text;
}

// What `send` throws, as a value.
template <class Fn>
Error error_of(Fn&& fn) {
  try {
    fn();
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorCode::kInternal, "nothing was thrown");
}

class CurlTransportTest : public ::testing::Test {
 protected:
  HttpResponse send(const LoopbackServer& server, const std::string& method,
                    const std::string& path = "/k") {
    return transport_->send({method, server.url(path)}, nullptr, {});
  }
  HttpResponse put(const LoopbackServer& server, const std::string& text) {
    MemorySource body = source_of(text);
    return transport_->send({"PUT", server.url("/k"), {}, &body}, nullptr, {});
  }

  std::unique_ptr<HttpTransport> transport_ = make_curl_transport();
};

TEST_F(CurlTransportTest, UsesTheConnectionAgainForTheNextRequest) {
  LoopbackServer server(
      LoopbackServer::answering([](const auto&) { return http_answer("200 OK", "x"); }));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(send(server, "GET").body, "x");
  EXPECT_EQ(put(server, "body").status, 200);
  EXPECT_EQ(send(server, "DELETE").status, 200);
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(CurlTransportTest, AFreshConnectionIsNoneOfThoseThatAreKept) {
  LoopbackServer server(
      LoopbackServer::answering([](const auto&) { return http_answer("200 OK", "x"); }));
  send(server, "GET");
  HttpRequest request{.method = "GET", .url = server.url("/")};
  request.fresh_connection = true;
  EXPECT_EQ(transport_->send(request, nullptr, {}).body, "x");
  EXPECT_EQ(server.connections(), 2);
  send(server, "GET");
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(CurlTransportTest, PutSendsTheBodyAndNoHeaderOfItsOwn) {
  ReceivedRequest got;
  LoopbackServer server(LoopbackServer::answering([&](const ReceivedRequest& request) {
    got = request;
    return http_answer("200 OK");
  }));
  const std::string text = pattern(700'000);
  MemorySource body = source_of(text);
  const HttpRequest request{"PUT", server.url("/b/k"), {{"x-amz-meta-empty", ""}}, &body};
  EXPECT_EQ(transport_->send(request, nullptr, {}).status, 200);
  EXPECT_EQ(got.method, "PUT");
  EXPECT_EQ(got.body, text);
  EXPECT_EQ(got.headers.at("content-length"), "700000");
  EXPECT_EQ(got.headers.at("x-amz-meta-empty"), "");
  EXPECT_TRUE(got.headers.at("user-agent").starts_with("cloudsync/"));
  EXPECT_EQ(got.headers.size(), 4U) << "only host besides those";
}

TEST_F(CurlTransportTest, SendsHostAndOtherHeadersAsGiven) {
  ReceivedRequest got;
  LoopbackServer server(LoopbackServer::answering([&](const ReceivedRequest& request) {
    got = request;
    return http_answer("200 OK");
  }));
  transport_->send({"GET",
                    server.url("/"),
                    {{"Host", "bucket.example:9"}, {"Accept", "application/json"}}},
                   nullptr, {});
  EXPECT_EQ(got.headers.at("host"), "bucket.example:9");
  EXPECT_EQ(got.headers.at("accept"), "application/json");
}

TEST_F(CurlTransportTest, SendsTheTargetUnchanged) {
  std::string target;
  LoopbackServer server(LoopbackServer::answering([&](const ReceivedRequest& request) {
    target = request.target;
    return http_answer("200 OK");
  }));
  send(server, "GET", "/b/./a/../c%2Fd//e%20f?x=%2B1&y");
  EXPECT_EQ(target, "/b/./a/../c%2Fd//e%20f?x=%2B1&y");
}

TEST_F(CurlTransportTest, StreamsTheBodyOfASuccessToTheSink) {
  const std::string text = pattern(3'000'000);
  LoopbackServer server(LoopbackServer::answering(
      [&](const auto&) { return http_answer("206 Partial Content", text); }));
  StringSink sink;
  const auto response = transport_->send({"GET", server.url("/k")}, &sink, {});
  EXPECT_EQ(response.status, 206);
  EXPECT_EQ(response.streamed_bytes, text.size());
  EXPECT_TRUE(response.body.empty());
  EXPECT_TRUE(sink.text == text);
}

TEST_F(CurlTransportTest, KeepsTheBodyOfAnErrorOutOfTheSink) {
  LoopbackServer server(LoopbackServer::answering(
      [](const auto&) { return http_answer("404 Not Found", "<Error/>"); }));
  StringSink sink;
  const auto response = transport_->send({"GET", server.url("/k")}, &sink, {});
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body, "<Error/>");
  EXPECT_EQ(response.streamed_bytes, 0U);
  EXPECT_TRUE(sink.text.empty());
}

TEST_F(CurlTransportTest, NeitherDecodesNorFollows) {
  LoopbackServer server(LoopbackServer::answering([](const ReceivedRequest& request) {
    if (request.target == "/gz") {
      return http_answer("200 OK", "not gzip", "Content-Encoding: gzip\r\n");
    }
    return http_answer("307 Temporary Redirect", "", "Location: /elsewhere\r\n");
  }));
  EXPECT_EQ(send(server, "GET", "/gz").body, "not gzip");
  const auto redirect = send(server, "GET", "/r");
  EXPECT_EQ(redirect.status, 307);
  EXPECT_EQ(redirect.header("location"), "/elsewhere");
}

TEST_F(CurlTransportTest, GivesHeaderNamesInLowerCaseAndInOrder) {
  LoopbackServer server(LoopbackServer::answering([](const auto&) {
    return http_answer("200 OK", "", "ETag:  \"Ab\" \r\nX-Multi: 1\r\nx-multi: 2\r\n");
  }));
  const auto response = send(server, "GET");
  const Headers expected = {
      {"etag", "\"Ab\""}, {"x-multi", "1"}, {"x-multi", "2"}, {"content-length", "0"}};
  EXPECT_EQ(response.headers, expected);
  EXPECT_EQ(response.header("x-multi"), "1");
  EXPECT_EQ(response.header("absent"), std::nullopt);
}

TEST_F(CurlTransportTest, HeadReturnsHeadersWithoutWaitingForABody) {
  LoopbackServer server(LoopbackServer::answering([](const ReceivedRequest& request) {
    return request.method == "HEAD" ? "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
                                    : http_answer("200 OK", "after");
  }));
  const auto response = send(server, "HEAD");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.header("content-length"), "5");
  EXPECT_EQ(send(server, "GET").body, "after");
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(CurlTransportTest, PutAndPostWithoutBodyAnnounceLengthZero) {
  std::vector<ReceivedRequest> got;
  LoopbackServer server(LoopbackServer::answering([&](const ReceivedRequest& request) {
    got.push_back(request);
    return http_answer("200 OK");
  }));
  for (const char* method : {"PUT", "POST", "DELETE", "GET"}) send(server, method);
  ASSERT_EQ(got.size(), 4U);
  EXPECT_EQ(got[0].headers.at("content-length"), "0");
  EXPECT_EQ(got[1].method, "POST");
  EXPECT_EQ(got[1].headers.at("content-length"), "0");
  EXPECT_EQ(got[1].headers.count("content-type"), 0U);
  EXPECT_EQ(got[2].method, "DELETE");
  EXPECT_EQ(got[2].headers.count("content-length"), 0U);
  EXPECT_EQ(got[3].method, "GET");
}

TEST_F(CurlTransportTest, PostCarriesItsBody) {
  ReceivedRequest got;
  LoopbackServer server(LoopbackServer::answering([&](const ReceivedRequest& request) {
    got = request;
    return http_answer("200 OK");
  }));
  const std::string text = "<Delete/>";
  MemorySource body = source_of(text);
  transport_->send({"POST", server.url("/?delete"), {}, &body}, nullptr, {});
  EXPECT_EQ(got.method, "POST");
  EXPECT_EQ(got.body, text);
}

TEST_F(CurlTransportTest, BodyShorterThanAnnouncedIsUnavailable) {
  LoopbackServer server([](Connection& connection) {
    const auto request = connection.read_request();
    if (!request) return;
    connection.write(
        request->target == "/chunked"
            ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
            : "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
  });
  for (const char* path : {"/plain", "/chunked"}) {
    StringSink sink;
    const Error error =
        error_of([&] { transport_->send({"GET", server.url(path)}, &sink, {}); });
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable) << path;
    EXPECT_TRUE(error.retryable());
    EXPECT_EQ(sink.text, "hello");
  }
}

TEST_F(CurlTransportTest, ResetConnectionIsUnavailableAndNamesTheHostButNoSecret) {
  LoopbackServer server([](Connection& connection) {
    connection.read_request();
    connection.reset();
  });
  const Error error = error_of([&] { send(server, "GET", "/k?X-Amz-Signature=feed"); });
  EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  EXPECT_TRUE(error.retryable());
  EXPECT_THAT(error.what(), HasSubstr("GET to " + server.authority() + " failed: "));
  EXPECT_THAT(error.what(), Not(HasSubstr("feed")));
}

TEST_F(CurlTransportTest, RefusedConnectionIsUnavailable) {
  std::string url;
  {
    LoopbackServer gone([](Connection&) {});
    url = gone.url("/");
  }
  const Error error = error_of([&] { transport_->send({"GET", url}, nullptr, {}); });
  EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  EXPECT_TRUE(error.retryable());
}

TEST_F(CurlTransportTest, RefusesOtherSchemesAndHeadersWithLineBreaks) {
  EXPECT_EQ(error_of([&] {
              transport_->send({"GET", "file:///etc/passwd"}, nullptr, {});
            }).code(),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(error_of([&] {
              transport_->send({"GET", "http://127.0.0.1:1/", {{"a", "b\r\nc: d"}}},
                               nullptr, {});
            }).code(),
            ErrorCode::kInvalidArgument);
}

TEST_F(CurlTransportTest, StopEndsAStalledTransferAtOnce) {
  std::promise<void> arrived;
  LoopbackServer server([&](Connection& connection) {
    connection.read_request();
    connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    arrived.set_value();
    connection.wait_until_closed();
  });
  std::stop_source stop;
  steady_clock::time_point stopped_at;
  std::thread stopper([&] {
    arrived.get_future().wait_for(10s);
    stopped_at = steady_clock::now();
    stop.request_stop();
  });
  const Error error = error_of([&] {
    transport_->send({"GET", server.url("/")}, nullptr, {stop.get_token(), {}});
  });
  const auto ended_at = steady_clock::now();
  stopper.join();
  EXPECT_EQ(error.code(), ErrorCode::kCancelled);
  EXPECT_LT(ended_at - stopped_at, 1s);
}

TEST_F(CurlTransportTest, StoppedContextSendsNothing) {
  LoopbackServer server(
      LoopbackServer::answering([](const auto&) { return http_answer("200 OK"); }));
  std::stop_source stop;
  stop.request_stop();
  const Error error = error_of([&] {
    transport_->send({"GET", server.url("/")}, nullptr, {stop.get_token(), {}});
  });
  EXPECT_EQ(error.code(), ErrorCode::kCancelled);
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(CurlTransportTest, DeadlineEndsAStalledTransfer) {
  LoopbackServer server([](Connection& connection) { connection.wait_until_closed(); });
  const auto deadline = steady_clock::now() + 150ms;
  const Error error = error_of(
      [&] { transport_->send({"GET", server.url("/")}, nullptr, {{}, deadline}); });
  EXPECT_EQ(error.code(), ErrorCode::kDeadlineExceeded);
  EXPECT_LT(steady_clock::now() - deadline, 1s);
}

TEST_F(CurlTransportTest, SilenceForStallSecondsIsUnavailable) {
  LoopbackServer server([](Connection& connection) { connection.wait_until_closed(); });
  HttpRequest request{"GET", server.url("/")};
  request.stall_seconds = 1;
  const auto start = steady_clock::now();
  const Error error = error_of([&] { transport_->send(request, nullptr, {}); });
  EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  EXPECT_TRUE(error.retryable());
  EXPECT_LT(steady_clock::now() - start, 10s);
}

// Fast enough never to be silent, and too slow to be of use.
TEST_F(CurlTransportTest, TrickleBelowOneKilobyteASecondIsUnavailable) {
  std::atomic<bool> over{false};
  LoopbackServer server([&](Connection& connection) {
    if (!connection.read_request()) return;
    connection.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    while (!over) {
      connection.write("xxxxx");
      std::this_thread::sleep_for(50ms);
    }
  });
  HttpRequest request{"GET", server.url("/")};
  request.stall_seconds = 1;
  const auto start = steady_clock::now();
  const Error error = error_of([&] { transport_->send(request, nullptr, {}); });
  over = true;
  EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  EXPECT_TRUE(error.retryable());
  EXPECT_LT(steady_clock::now() - start, 10s);
}

TEST_F(CurlTransportTest, ServerThatTakesNoConnectionIsUnavailableInTime) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof place;
  auto* address = reinterpret_cast<sockaddr*>(&place);
  ASSERT_EQ(::bind(listener, address, size), 0);
  ASSERT_EQ(::listen(listener, 0), 0);
  ASSERT_EQ(::getsockname(listener, address, &size), 0);
  // The queue of waiting connections is full from here on.
  std::vector<int> waiting;
  for (int i = 0; i < 4; ++i) {
    waiting.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    ::connect(waiting.back(), address, size);
  }
  CurlOptions impatient;
  impatient.connect_timeout_ms = 300;
  const auto transport = make_curl_transport(impatient);
  const std::string url = "http://127.0.0.1:" + std::to_string(ntohs(place.sin_port));
  const auto start = steady_clock::now();
  const Error error = error_of([&] { transport->send({"GET", url}, nullptr, {}); });
  EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  EXPECT_GE(steady_clock::now() - start, 250ms);
  EXPECT_LT(steady_clock::now() - start, 3s);
  for (const int fd : waiting) ::close(fd);
  ::close(listener);
}

// After a stop a change may still be answered, what only reads may not.
TEST_F(CurlTransportTest, ChangesOnTheirWayAreAwaitedUntilTheyAreAbandoned) {
  std::array<std::stop_source, 3> stops;
  std::stop_source abandon;
  std::atomic<std::size_t> now{0};
  LoopbackServer server([&](Connection& connection) {
    while (const auto request = connection.read_request()) {
      stops[now].request_stop();
      std::this_thread::sleep_for(100ms);
      if (request->target == "/answered") connection.write(http_answer("200 OK"));
    }
  });
  const auto send_now = [&](const std::string& method, const std::string& target) {
    const CallContext context{stops[now].get_token(), {}, abandon.get_token()};
    return transport_->send({method, server.url(target)}, nullptr, context).status;
  };
  EXPECT_EQ(send_now("DELETE", "/answered"), 200);
  EXPECT_EQ(error_of([&] { send_now("DELETE", "/new"); }).code(), ErrorCode::kCancelled);
  now = 1;
  EXPECT_EQ(error_of([&] { send_now("GET", "/never"); }).code(), ErrorCode::kCancelled);
  now = 2;
  std::jthread abandoning([&] {
    std::this_thread::sleep_for(300ms);
    abandon.request_stop();
  });
  EXPECT_EQ(error_of([&] { send_now("DELETE", "/never"); }).code(),
            ErrorCode::kCancelled);
  abandoning.join();
}

TEST_F(CurlTransportTest, ExceptionOfTheSinkReachesTheCaller) {
  LoopbackServer server(
      LoopbackServer::answering([](const auto&) { return http_answer("200 OK", "x"); }));
  ThrowingSink sink;
  const Error error =
      error_of([&] { transport_->send({"GET", server.url("/")}, &sink, {}); });
  EXPECT_EQ(error.code(), ErrorCode::kDiskFull);
  EXPECT_STREQ(error.what(), "no space left");
  EXPECT_EQ(send(server, "GET").body, "x");
}

TEST_F(CurlTransportTest, ExceptionOfTheSourceReachesTheCaller) {
  LoopbackServer server(
      LoopbackServer::answering([](const auto&) { return http_answer("200 OK"); }));
  ThrowingSource source;
  const HttpRequest request{"PUT", server.url("/"), {}, &source};
  EXPECT_EQ(error_of([&] { transport_->send(request, nullptr, {}); }).code(),
            ErrorCode::kPreconditionFailed);
}

TEST_F(CurlTransportTest, SourceShorterThanItsSizeFailsInsteadOfHanging) {
  LoopbackServer server(
      LoopbackServer::answering([](const auto&) { return http_answer("200 OK"); }));
  ShortSource source;
  const HttpRequest request{"PUT", server.url("/"), {}, &source};
  const Error error = error_of([&] { transport_->send(request, nullptr, {}); });
  EXPECT_EQ(error.code(), ErrorCode::kLocalIo);
  EXPECT_THAT(error.what(), HasSubstr("0 of 10 bytes"));
}

TEST_F(CurlTransportTest, LargeBodyWaitsForContinueWhoseHeadersAreNotTheAnswers) {
  std::string expectation;
  LoopbackServer server([&](Connection& connection) {
    auto request = connection.read_head();
    if (!request) return;
    expectation = request->headers["expect"];
    connection.write("HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\n");
    connection.read_body(*request);
    connection.write(http_answer("200 OK", std::to_string(request->body.size())));
    connection.wait_until_closed();
  });
  const auto response = put(server, pattern(std::size_t{2} << 20));
  EXPECT_EQ(expectation, "100-continue");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "2097152");
  EXPECT_EQ(response.header("x-early"), std::nullopt);
}

TEST_F(CurlTransportTest, RefusalBeforeTheBodyIsTheAnswer) {
  LoopbackServer server([](Connection& connection) {
    connection.read_head();
    connection.write(http_answer("503 Slow Down", "busy"));
    connection.wait_until_closed();
  });
  const auto response = put(server, pattern(std::size_t{2} << 20));
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body, "busy");
}

TEST_F(CurlTransportTest, ServerThatNeverSaysContinueIsAskedOnlyOnce) {
  std::vector<std::size_t> expectations;
  LoopbackServer server(LoopbackServer::answering([&](const ReceivedRequest& request) {
    expectations.push_back(request.headers.count("expect"));
    return http_answer("200 OK");
  }));
  const std::string text = pattern(std::size_t{1} << 20);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(put(server, text).status, 200);
  EXPECT_EQ(expectations, (std::vector<std::size_t>{1, 0}));
}

// Answers the first request of each connection and hangs up at the second, as a server
// does that closes an idle connection at the same moment.
LoopbackServer::Serve answering_once(std::atomic<int>& requests) {
  return [&requests](Connection& connection) {
    if (!connection.read_request()) return;
    ++requests;
    connection.write(http_answer("200 OK"));
    if (connection.read_request()) ++requests;
  };
}

TEST_F(CurlTransportTest, ChangingRequestIsNeverSentTwice) {
  std::atomic<int> requests{0};
  LoopbackServer server(answering_once(requests));
  const std::string text = "x";
  for (const char* method : {"PUT", "POST", "DELETE"}) {
    const int before = requests;
    send(server, "GET");
    MemorySource body = source_of(text);
    HttpRequest request{method, server.url("/")};
    if (request.method != "DELETE") request.body = &body;
    const Error error = error_of([&] { transport_->send(request, nullptr, {}); });
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable) << method;
    EXPECT_TRUE(error.retryable());
    EXPECT_EQ(requests - before, 2) << method;
  }
}

TEST_F(CurlTransportTest, ReadOnAConnectionThatWasClosedIsSentOnANewOne) {
  std::atomic<int> requests{0};
  LoopbackServer server(answering_once(requests));
  send(server, "GET");
  EXPECT_EQ(send(server, "GET").status, 200);
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(CurlTransportTest, ServesManyThreadsAtOnce) {
  LoopbackServer server(LoopbackServer::answering([](const ReceivedRequest& request) {
    return http_answer("200 OK", request.body);
  }));
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const std::string text = std::to_string(t * 1000 + i);
        if (put(server, text).body == text) ++good;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 400);
  EXPECT_LE(server.connections(), 8);
}

}  // namespace
}  // namespace cloudsync::http

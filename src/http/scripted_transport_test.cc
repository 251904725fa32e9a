// SPDX-License-Identifier: Apache-2.0
#include "http/scripted_transport.h"

#include <gtest/gtest.h>

#include "cloudsync/error.h"

namespace cloudsync::http {
namespace {

TEST(ScriptedTransport, AnswersInOrderThenByTheFallback) {
  ScriptedTransport transport([](const HttpRequest&, const std::string&, ByteSink*) {
    return scripted_response(404);
  });
  transport.expect(scripted_response(503))
      .expect(scripted_response(200, {{"ETag", "x"}}));
  EXPECT_EQ(transport.send({"GET", "u"}, nullptr, {}).status, 503);
  EXPECT_EQ(transport.remaining(), 1U);
  EXPECT_EQ(transport.send({"GET", "u"}, nullptr, {}).header("etag"), "x");
  EXPECT_EQ(transport.send({"GET", "u"}, nullptr, {}).status, 404);
}

TEST(ScriptedTransport, KeepsWhatWasSent) {
  ScriptedTransport transport;
  transport.expect(scripted_response(200));
  const std::string text = "body";
  MemorySource body(std::as_bytes(std::span(text)));
  transport.send({"PUT", "http://h/k", {{"Content-MD5", "m"}}, &body}, nullptr, {});
  const auto requests = transport.requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].method, "PUT");
  EXPECT_EQ(requests[0].url, "http://h/k");
  EXPECT_EQ(requests[0].header("content-md5"), "m");
  EXPECT_EQ(requests[0].body, "body");
}

TEST(ScriptedTransport, UnexpectedRequestIsAnError) {
  ScriptedTransport transport;
  EXPECT_THROW(transport.send({"GET", "u"}, nullptr, {}), Error);
}

}  // namespace
}  // namespace cloudsync::http

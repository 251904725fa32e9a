// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "http/transport.h"

namespace cloudsync::http {

// A transport for tests: answers come from functions, requests are kept. Handlers given
// to expect() serve one request each, in order; after them the fallback serves all
// others. A request nobody serves throws Error{kInternal} naming it. Thread-safe;
// handlers run one at a time.
class ScriptedTransport final : public HttpTransport {
 public:
  using Handler = std::function<HttpResponse(const HttpRequest& request,
                                             const std::string& body, ByteSink* sink)>;

  struct Recorded {
    std::string method;
    std::string url;
    Headers headers;
    std::string body;
    // The first header of that name, any case; "" when absent.
    std::string header(std::string_view name) const;
  };

  ScriptedTransport() = default;
  explicit ScriptedTransport(Handler fallback) : fallback_(std::move(fallback)) {}

  ScriptedTransport& expect(Handler handler);
  ScriptedTransport& expect(HttpResponse response);

  HttpResponse send(const HttpRequest& request, ByteSink* sink,
                    const CallContext& context) override;

  std::vector<Recorded> requests() const;
  // Expected requests that have not arrived.
  std::size_t remaining() const;

 private:
  Handler next_handler(const HttpRequest& request);

  mutable std::mutex mutex_;
  std::deque<Handler> expected_;    // guarded by mutex_
  std::vector<Recorded> requests_;  // guarded by mutex_
  Handler fallback_;
};

// Builds an answer: names in lower case, as a transport gives them. A body goes to `sink`
// the way a real transport would send it when the status is 200 or 206.
HttpResponse scripted_response(int status, Headers headers = {}, std::string body = {},
                               ByteSink* sink = nullptr);

}  // namespace cloudsync::http

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/byte_stream.h"
#include "base/call_context.h"

namespace cloudsync::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct HttpResponse;

struct HttpRequest {
  std::string method;  // "GET"
  std::string url;     // complete, already encoded; sent as it is
  Headers headers =
      {};  // Host included when signed; Content-Length is set by the transport
  ByteSource* body = nullptr;     // not owned; nothing = no body
  bool bypass_proxy = false;      // metadata services
  bool fresh_connection = false;  // none that is kept from an earlier request
  // Seconds of less than 1 kB/s, the wait for the first byte included, before the request
  // counts as dead. Completion calls need minutes: above 60 any byte is a sign of life.
  int stall_seconds = 60;
  // Of an answer that does not go to the sink: a longer one throws.
  std::uint64_t max_body_bytes = std::uint64_t{16} << 20;
  // Sees status and headers before the first byte goes to the sink, and throws when it
  // must not get this body.
  std::function<void(const HttpResponse&)> before_body = {};
};

struct HttpResponse {
  int status = 0;
  Headers headers;  // names in lower case, in order
  // Bodies that did not go to the sink: at most max_body_bytes, of status 400 and above
  // the first 64 KiB.
  std::string body;
  std::uint64_t streamed_bytes = 0;
  // The first header of that (lower-case) name.
  std::optional<std::string_view> header(std::string_view name) const;
};

// Sends one request and returns whatever status the server gave; never follows redirects,
// never retries, never decodes. A body of status 200 or 206 goes to `sink` when one is
// given. Throws Error{kUnavailable} for network failures and bodies shorter than
// announced, kCancelled when the context stops (within a second; what is no GET or HEAD
// and on its way already, when it is abandoned). Thread-safe: each call
// uses a connection of its own.
class HttpTransport {
 public:
  virtual ~HttpTransport() = default;
  virtual HttpResponse send(const HttpRequest& request, ByteSink* sink,
                            const CallContext&) = 0;
};

}  // namespace cloudsync::http

// SPDX-License-Identifier: Apache-2.0
#include "http/scripted_transport.h"

#include <algorithm>
#include <array>
#include <utility>

#include "cloudsync/error.h"
#include "http/ascii.h"
#include "http/header_lines.h"

namespace cloudsync::http {
namespace {

std::string read_all(ByteSource* source) {
  std::string body;
  if (source == nullptr) return body;
  std::array<std::byte, 4096> buffer{};
  while (const std::size_t n = source->read(buffer)) {
    body.append(reinterpret_cast<const char*>(buffer.data()), n);
  }
  return body;
}

}  // namespace

std::string ScriptedTransport::Recorded::header(std::string_view name) const {
  const auto found = std::find_if(headers.begin(), headers.end(), [name](const auto& h) {
    return equals_ignoring_case(h.first, name);
  });
  return found == headers.end() ? std::string() : found->second;
}

ScriptedTransport& ScriptedTransport::expect(Handler handler) {
  const std::lock_guard lock(mutex_);
  expected_.push_back(std::move(handler));
  return *this;
}

ScriptedTransport& ScriptedTransport::expect(HttpResponse response) {
  return expect([response = std::move(response)](const HttpRequest& request,
                                                 const std::string&, ByteSink* sink) {
    const HttpResponse head = scripted_response(response.status, response.headers, "");
    const bool streams = sink != nullptr && (head.status == 200 || head.status == 206);
    if (streams && !response.body.empty() && request.before_body)
      request.before_body(head);
    return scripted_response(response.status, response.headers, response.body, sink);
  });
}

HttpResponse ScriptedTransport::send(const HttpRequest& request, ByteSink* sink,
                                     const CallContext& context) {
  context.throw_if_stopped();
  const std::string body = read_all(request.body);
  const std::lock_guard lock(mutex_);
  requests_.push_back({request.method, request.url, request.headers, body});
  return next_handler(request)(request, body, sink);
}

ScriptedTransport::Handler ScriptedTransport::next_handler(const HttpRequest& request) {
  if (!expected_.empty()) {
    Handler handler = std::move(expected_.front());
    expected_.pop_front();
    return handler;
  }
  if (fallback_) return fallback_;
  throw Error(ErrorCode::kInternal,
              "the test did not expect " + request.method + " " + request.url);
}

std::vector<ScriptedTransport::Recorded> ScriptedTransport::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::size_t ScriptedTransport::remaining() const {
  const std::lock_guard lock(mutex_);
  return expected_.size();
}

HttpResponse scripted_response(int status, Headers headers, std::string body,
                               ByteSink* sink) {
  HttpResponse response{status, std::move(headers), std::move(body), 0};
  for (auto& [name, value] : response.headers) {
    std::transform(name.begin(), name.end(), name.begin(), to_lower);
  }
  if (sink != nullptr && (status == 200 || status == 206)) {
    sink->write(std::as_bytes(std::span(response.body)));
    response.streamed_bytes = response.body.size();
    response.body.clear();
  }
  return response;
}

}  // namespace cloudsync::http

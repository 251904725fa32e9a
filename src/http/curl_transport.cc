// SPDX-License-Identifier: Apache-2.0
#include "http/curl_transport.h"

#include <array>
#include <cstdlib>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "cloudsync/error.h"
#include "http/curl_failure.h"
#include "http/curl_handle.h"

namespace cloudsync::http {
namespace {

// Below this a server's "continue" costs more than a body sent in vain.
constexpr std::uint64_t kExpectContinueBytes = std::uint64_t{1} << 20;

void initialize_curl_once() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code == CURLE_OK) return;
  throw Error(ErrorCode::kInternal,
              std::string("the HTTP library cannot start: ") + curl_easy_strerror(code));
}

// libcurl reads none of these variables by itself; other tools on the machine do.
std::string ca_bundle_from_environment() {
  constexpr std::array kNames = {"SSL_CERT_FILE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE"};
  for (const char* name : kNames) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return value;
  }
  return {};
}

// The handles not in use, last in, first out: the warmest connection goes out again
// first.
class HandlePool {
 public:
  explicit HandlePool(CurlOptions options) : options_(std::move(options)) {}

  std::unique_ptr<CurlHandle> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto handle = std::move(idle_.back());
        idle_.pop_back();
        return handle;
      }
    }
    return std::make_unique<CurlHandle>(options_);
  }

  void give_back(std::unique_ptr<CurlHandle> handle) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(handle));
  }

 private:
  const CurlOptions options_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<CurlHandle>> idle_;  // guarded by mutex_
};

// Servers that took a body without ever saying "continue": each such request cost a
// second.
class SilentServers {
 public:
  bool contains(std::string_view authority) {
    const std::lock_guard lock(mutex_);
    return names_.find(authority) != names_.end();
  }
  void add(std::string_view authority) {
    const std::lock_guard lock(mutex_);
    names_.emplace(authority);
  }

 private:
  std::mutex mutex_;
  std::set<std::string, std::less<>> names_;  // guarded by mutex_
};

class CurlTransport final : public HttpTransport {
 public:
  explicit CurlTransport(CurlOptions options) : pool_(std::move(options)) {}

  HttpResponse send(const HttpRequest& request, ByteSink* sink,
                    const CallContext& context) override;

 private:
  bool wants_continue(const HttpRequest& request) {
    return request.body != nullptr && request.body->size() >= kExpectContinueBytes &&
           !silent_servers_.contains(url_authority(request.url));
  }

  HandlePool pool_;
  SilentServers silent_servers_;
};

void require_http(const std::string& url) {
  if (url.starts_with("http://") || url.starts_with("https://")) return;
  throw Error(ErrorCode::kInvalidArgument,
              "an endpoint must begin with http:// or https://, not \"" +
                  std::string(url.substr(0, url.find(':'))) + "\"");
}

HttpResponse CurlTransport::send(const HttpRequest& request, ByteSink* sink,
                                 const CallContext& context) {
  context.throw_if_stopped();
  require_http(request.url);
  const bool expects = wants_continue(request);
  // A handle whose transfer threw is dropped here with its connections.
  auto handle = pool_.take();
  auto outcome = handle->send(request, sink, expects, context);
  pool_.give_back(std::move(handle));
  if (expects && !outcome.server_said_continue && outcome.response.status < 300) {
    silent_servers_.add(url_authority(request.url));
  }
  return std::move(outcome.response);
}

}  // namespace

std::unique_ptr<HttpTransport> make_curl_transport(const CurlOptions& options) {
  initialize_curl_once();
  CurlOptions effective = options;
  if (effective.ca_bundle.empty()) {
    effective.ca_bundle = ca_bundle_from_environment();
    effective.add_to_system = true;
  }
  return std::make_unique<CurlTransport>(std::move(effective));
}

}  // namespace cloudsync::http

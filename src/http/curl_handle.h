// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <curl/curl.h>

#include <array>
#include <memory>

#include "base/call_context.h"
#include "http/curl_transport.h"
#include "http/exchange.h"
#include "http/header_lines.h"
#include "http/transport.h"

namespace cloudsync::http {

// An easy handle with a multi handle of its own, which keeps its warm connections. The
// multi interface instead of curl_easy_perform because only curl_multi_wakeup ends a wait
// at once when the caller stops; otherwise a stalled transfer would notice up to a second
// later. Used by one thread at a time.
class CurlHandle {
 public:
  explicit CurlHandle(const CurlOptions& options);
  ~CurlHandle();
  CurlHandle(const CurlHandle&) = delete;
  CurlHandle& operator=(const CurlHandle&) = delete;

  struct Outcome {
    HttpResponse response;
    bool server_said_continue = false;
  };
  Outcome send(const HttpRequest& request, ByteSink* sink, bool expect_continue,
               const CallContext& context);

 private:
  enum class End { kDone, kStopped, kDeadline };
  struct EasyFree {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  };
  struct MultiFree {
    void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
  };

  template <class Value>
  void set(CURLoption option, Value value);
  void set_connection_options(const CurlOptions& options);
  void set_tls_options(const CurlOptions& options);
  void set_callbacks();
  void set_request(const HttpRequest& request, bool expect_continue);
  void set_method(const HttpRequest& request);
  void set_proxy_bypass(bool bypass);
  End drive(const HttpRequest& request, const CallContext& context);
  CURLcode result();
  void throw_unless_complete(const HttpRequest& request, End end, CURLcode code) const;

  static std::size_t header_callback(char* data, std::size_t size, std::size_t count,
                                     void* self);
  static std::size_t write_callback(char* data, std::size_t size, std::size_t count,
                                    void* self);
  static std::size_t read_callback(char* data, std::size_t size, std::size_t count,
                                   void* self);
  static int seek_callback(void* self, curl_off_t offset, int origin);
  static int before_request_callback(void* self, char* remote_ip, char* local_ip,
                                     int remote_port, int local_port);

  // The order matters: the easy handle leaves the multi handle before either is freed.
  std::unique_ptr<CURLM, MultiFree> multi_;
  std::unique_ptr<CURL, EasyFree> easy_;
  Exchange exchange_;
  HeaderLines header_lines_;
  std::array<char, CURL_ERROR_SIZE> words_{};
  bool bypasses_proxy_ = false;
  bool may_resend_ = false;
  bool refused_resend_ = false;
};

}  // namespace cloudsync::http

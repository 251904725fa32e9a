// SPDX-License-Identifier: Apache-2.0
#include "http/curl_handle.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <stop_token>
#include <string>

#include "cloudsync/error.h"
#include "http/ascii.h"
#include "http/curl_failure.h"

namespace cloudsync::http {
namespace {

// Large enough that a part of several megabytes is a few dozen calls; one of each a
// connection.
constexpr long kBufferBytes = 256L << 10;
// Object stores close idle connections after 5 to 20 seconds; reusing one that is about
// to be closed costs a failed request.
constexpr long kMaxIdleSeconds = 15;
constexpr long kConnectionsKept = 4;
constexpr long kLeastBytesPerSecond = 1000;
// A service that is still at work sends a blank now and then.
constexpr long kSignOfLife = 1;
constexpr int kUsualStallSeconds = 60;
constexpr std::chrono::milliseconds kLongestWait{1000};

void require_multi(CURLMcode code) {
  if (code == CURLM_OK) return;
  throw Error(ErrorCode::kInternal,
              std::string("the HTTP library failed: ") + curl_multi_strerror(code));
}

bool is_read_only(const std::string& method) {
  return method == "GET" || method == "HEAD";
}

// Methods for which a server expects a length even when there is nothing to send.
bool announces_empty_body(const std::string& method) {
  return method == "PUT" || method == "POST" || method == "PATCH";
}

// For as long as it lives, the easy handle belongs to the multi handle.
class Attachment {
 public:
  Attachment(CURLM* multi, CURL* easy) : multi_(multi), easy_(easy) {
    require_multi(curl_multi_add_handle(multi, easy));
  }
  ~Attachment() { curl_multi_remove_handle(multi_, easy_); }
  Attachment(const Attachment&) = delete;
  Attachment& operator=(const Attachment&) = delete;

 private:
  CURLM* multi_;
  CURL* easy_;
};

int wait_ms(const CallContext& context) {
  auto wait = kLongestWait;
  if (context.deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        *context.deadline - std::chrono::steady_clock::now());
    wait = std::clamp(left, std::chrono::milliseconds{0}, kLongestWait);
  }
  return static_cast<int>(wait.count());
}

bool past_deadline(const CallContext& context) {
  return context.deadline && std::chrono::steady_clock::now() >= *context.deadline;
}

}  // namespace

CurlHandle::CurlHandle(const CurlOptions& options)
    : multi_(curl_multi_init()), easy_(curl_easy_init()) {
  if (!multi_ || !easy_) {
    throw Error(ErrorCode::kInternal,
                "the HTTP library cannot make a new connection handle");
  }
  require_multi(curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, kConnectionsKept));
  set_connection_options(options);
  set_tls_options(options);
  set_callbacks();
}

CurlHandle::~CurlHandle() = default;

template <class Value>
void CurlHandle::set(CURLoption option, Value value) {
  const CURLcode code = curl_easy_setopt(easy_.get(), option, value);
  if (code == CURLE_OK) return;
  throw Error(ErrorCode::kInternal, "the HTTP library refuses option " +
                                        std::to_string(static_cast<int>(option)) + ": " +
                                        curl_easy_strerror(code));
}

void CurlHandle::set_connection_options(const CurlOptions& options) {
  // Parallel connections carry bulk data faster than streams that share one.
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_PATH_AS_IS, 1L);  // "a/../b" is a legal key
  set(CURLOPT_NOSIGNAL, 1L);
  // A resolver that hangs must not hold up a stop.
  set(CURLOPT_QUICK_EXIT, 1L);
  set(CURLOPT_FOLLOWLOCATION, 0L);
  // Objects stored with a Content-Encoding are wanted as stored.
  set(CURLOPT_HTTP_CONTENT_DECODING, 0L);
  set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(CURLOPT_BUFFERSIZE, kBufferBytes);
  set(CURLOPT_UPLOAD_BUFFERSIZE, kBufferBytes);
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_MAXAGE_CONN, kMaxIdleSeconds);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout_ms));
  set(CURLOPT_USERAGENT, "cloudsync/" CLOUDSYNC_VERSION);
}

void CurlHandle::set_tls_options(const CurlOptions& options) {
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(CURLOPT_SSL_VERIFYPEER, options.verify_tls ? 1L : 0L);
  set(CURLOPT_SSL_VERIFYHOST, options.verify_tls ? 2L : 0L);
  if (options.ca_bundle.empty()) return;
  set(CURLOPT_CAINFO, options.ca_bundle.c_str());
  // libcurl also looks into the system's folder of certificates.
  if (!options.add_to_system) set(CURLOPT_CAPATH, nullptr);
}

void CurlHandle::set_callbacks() {
  set(CURLOPT_ERRORBUFFER, words_.data());
  set(CURLOPT_HEADERFUNCTION, &CurlHandle::header_callback);
  set(CURLOPT_HEADERDATA, this);
  set(CURLOPT_WRITEFUNCTION, &CurlHandle::write_callback);
  set(CURLOPT_WRITEDATA, this);
  set(CURLOPT_READFUNCTION, &CurlHandle::read_callback);
  set(CURLOPT_READDATA, this);
  set(CURLOPT_SEEKFUNCTION, &CurlHandle::seek_callback);
  set(CURLOPT_SEEKDATA, this);
  set(CURLOPT_PREREQFUNCTION, &CurlHandle::before_request_callback);
  set(CURLOPT_PREREQDATA, this);
}

CurlHandle::Outcome CurlHandle::send(const HttpRequest& request, ByteSink* sink,
                                     bool expect_continue, const CallContext& context) {
  exchange_.begin(request, sink);
  set_request(request, expect_continue);
  End end = End::kDone;
  CURLcode code = CURLE_OK;
  {
    const Attachment attachment(multi_.get(), easy_.get());
    end = drive(request, context);
    code = end == End::kDone ? result() : CURLE_ABORTED_BY_CALLBACK;
  }
  throw_unless_complete(request, end, code);
  return {exchange_.take_response(), exchange_.saw_continue()};
}

// Every option that differs between requests is set here, every time; all others never
// change.
void CurlHandle::set_request(const HttpRequest& request, bool expect_continue) {
  words_[0] = '\0';
  refused_resend_ = false;
  may_resend_ = is_read_only(request.method);
  set(CURLOPT_URL, request.url.c_str());
  set_method(request);
  set(CURLOPT_HTTPHEADER, header_lines_.build(request.headers, expect_continue));
  set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(std::max(request.stall_seconds, 1)));
  set(CURLOPT_LOW_SPEED_LIMIT,
      request.stall_seconds > kUsualStallSeconds ? kSignOfLife : kLeastBytesPerSecond);
  set(CURLOPT_FRESH_CONNECT, request.fresh_connection ? 1L : 0L);
  set_proxy_bypass(request.bypass_proxy);
}

void CurlHandle::set_method(const HttpRequest& request) {
  const bool uploads = request.body != nullptr || announces_empty_body(request.method);
  const bool head = request.method == "HEAD";
  const std::uint64_t size = request.body == nullptr ? 0 : request.body->size();
  set(CURLOPT_UPLOAD, uploads ? 1L : 0L);
  set(CURLOPT_NOBODY, head ? 1L : 0L);
  if (!uploads && !head) set(CURLOPT_HTTPGET, 1L);
  set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(uploads ? size : 0));
  const std::string_view own = uploads ? "PUT" : head ? "HEAD" : "GET";
  set(CURLOPT_CUSTOMREQUEST, request.method == own ? nullptr : request.method.c_str());
}

void CurlHandle::set_proxy_bypass(bool bypass) {
  if (bypass == bypasses_proxy_) return;
  set(CURLOPT_NOPROXY, bypass ? "*" : nullptr);
  bypasses_proxy_ = bypass;
}

CurlHandle::End CurlHandle::drive(const HttpRequest& request,
                                  const CallContext& context) {
  const std::stop_token stop =
      is_read_only(request.method) ? context.stop : context.stop_of_changes();
  const std::stop_callback wake(stop, [this] { curl_multi_wakeup(multi_.get()); });
  for (;;) {
    if (stop.stop_requested()) return End::kStopped;
    int running = 0;
    require_multi(curl_multi_perform(multi_.get(), &running));
    if (running == 0) return End::kDone;
    if (past_deadline(context)) return End::kDeadline;
    require_multi(curl_multi_poll(multi_.get(), nullptr, 0, wait_ms(context), nullptr));
  }
}

CURLcode CurlHandle::result() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg == CURLMSG_DONE) return message->data.result;
  }
  return CURLE_FAILED_INIT;
}

void CurlHandle::throw_unless_complete(const HttpRequest& request, End end,
                                       CURLcode code) const {
  // The caller's own exception explains more than libcurl's "aborted by callback".
  exchange_.rethrow_failure();
  if (end == End::kStopped) throw Error(ErrorCode::kCancelled, "stopped on request");
  if (end == End::kDeadline) {
    throw Error(ErrorCode::kDeadlineExceeded,
                request.method + " to " + std::string(url_authority(request.url)) +
                    " did not finish before the deadline");
  }
  if (refused_resend_) {
    throw curl_failure(CURLE_GOT_NOTHING, request,
                       "the server closed the connection without an answer");
  }
  if (exchange_.is_cut()) return;
  if (code != CURLE_OK) throw curl_failure(code, request, words_.data());
}

std::size_t CurlHandle::header_callback(char* data, std::size_t size, std::size_t count,
                                        void* self) {
  Exchange& exchange = static_cast<CurlHandle*>(self)->exchange_;
  return exchange.guard(std::size_t{0}, [&] {
    exchange.on_header({data, size * count});
    return size * count;
  });
}

std::size_t CurlHandle::write_callback(char* data, std::size_t size, std::size_t count,
                                       void* self) {
  Exchange& exchange = static_cast<CurlHandle*>(self)->exchange_;
  return exchange.guard(std::size_t{CURL_WRITEFUNC_ERROR}, [&] {
    const auto bytes = std::as_bytes(std::span(data, size * count));
    return exchange.on_body(bytes) ? bytes.size() : std::size_t{CURL_WRITEFUNC_ERROR};
  });
}

std::size_t CurlHandle::read_callback(char* data, std::size_t size, std::size_t count,
                                      void* self) {
  Exchange& exchange = static_cast<CurlHandle*>(self)->exchange_;
  return exchange.guard(std::size_t{CURL_READFUNC_ABORT}, [&] {
    return exchange.on_read(std::as_writable_bytes(std::span(data, size * count)));
  });
}

int CurlHandle::seek_callback(void* self, curl_off_t offset, int origin) {
  if (offset != 0 || origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  Exchange& exchange = static_cast<CurlHandle*>(self)->exchange_;
  return exchange.guard(int{CURL_SEEKFUNC_FAIL}, [&] {
    exchange.on_rewind();
    return int{CURL_SEEKFUNC_OK};
  });
}

// When a kept connection turns out to be closed, libcurl sends the request again by
// itself. For a request that changes something that is not its decision: the first copy
// may have been carried out, and then the answer to the second one ("exists already")
// would be taken for the answer to the first. After a final status (417) the server has
// said that it did nothing.
int CurlHandle::before_request_callback(void* self, char* /*remote_ip*/,
                                        char* /*local_ip*/, int /*remote_port*/,
                                        int /*local_port*/) {
  auto& handle = *static_cast<CurlHandle*>(self);
  const bool first = handle.exchange_.next_send() == 1;
  if (first || handle.may_resend_ || handle.exchange_.status() >= 200) {
    return CURL_PREREQFUNC_OK;
  }
  handle.refused_resend_ = true;
  return CURL_PREREQFUNC_ABORT;
}

}  // namespace cloudsync::http

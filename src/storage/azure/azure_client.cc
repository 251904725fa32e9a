// SPDX-License-Identifier: Apache-2.0
#include "storage/azure/azure_client.h"

#include "base/encoding.h"
#include "base/log.h"
#include "base/time_format.h"
#include "storage/azure/azure_responses.h"
#include "storage/azure/azure_wire.h"

#include <cstdlib>

namespace cloudsync::storage::azure {
namespace {

// Azurite refuses versions that it does not know, and this one has all that is needed.
constexpr char kServiceVersion[] = "2023-11-03";
constexpr std::int64_t kSecond = 1'000'000'000;
// The service accepts 15 minutes; a third of it explains a refusal without doubt.
constexpr std::int64_t kSuspiciousSkew = 300 * kSecond;

std::string query_of(const AzureRequest& request) {
  std::string text;
  for (const auto& [name, value] : request.query) {
    text += text.empty() ? '?' : '&';
    text += base::percent_encode(name) + "=" + base::percent_encode(value);
  }
  return text;
}

bool is_authentication_failure(const ServiceFailure& failure) {
  if (failure.status == 401) return true;
  return failure.status == 403 && (failure.code == "AuthenticationFailed" ||
                                   failure.code == "InvalidAuthenticationInfo");
}

// Inside a batch no transport looks at the lines: one that breaks would become a request
// of the sender's choice.
void check_one_line(const std::string& name, const std::string& value) {
  constexpr std::string_view kBreaks("\r\n\0", 3);
  if (value.find_first_of(kBreaks) == std::string::npos) return;
  throw Error(ErrorCode::kInvalidArgument,
              "the header \"" + name + "\" holds a line break and cannot be sent");
}

std::string path_and_query(const std::string& url) {
  const std::size_t authority = url.find("://") + 3;
  return url.substr(url.find('/', authority));
}

}  // namespace

bool is_absent(const AzureAnswer& answer) {
  // ResourceNotFound: the container is not open to who asks without credentials.
  return answer.is(404) && !answer.is("ContainerNotFound") &&
         !answer.is("ResourceNotFound");
}

bool is_condition_failed(const AzureAnswer& answer) {
  return answer.is(412) && classify(*answer.failure) == ErrorCode::kPreconditionFailed;
}

bool is_condition_failed(const AzureAnswer& answer, const Precondition& condition) {
  if (!condition.any()) return false;
  if (is_condition_failed(answer)) return true;
  if (condition.if_absent) return answer.is("BlobAlreadyExists");
  return is_absent(answer);
}

struct AzureClient::Attempt {
  std::int64_t local_ns = 0;  // our clock
  std::int64_t dated_ns = 0;  // what the request says
  http::HttpRequest sent = {};
};

struct AzureClient::Corrections {
  bool clock = false;
  bool credentials = false;
};

AzureClient::AzureClient(AzureConfig config, AzureDependencies dependencies)
    : config_(std::move(config)),
      endpoint_(config_.endpoint()),
      world_(std::move(dependencies)) {}

std::int64_t AzureClient::now_ns() const {
  return world_.clock.now_ns() + clock_offset_ns_.load(std::memory_order_relaxed);
}

FailureSite AzureClient::site(const AzureRequest& request) const {
  return {request.operation, config_.container, request.key, endpoint_,
          world_.authorizer->origin()};
}

void AzureClient::fail(const AzureRequest& request, const ServiceFailure& failure) const {
  throw make_error(failure, site(request));
}

void AzureClient::require_ok(const AzureRequest& request,
                             const AzureAnswer& answer) const {
  if (answer.failure) fail(request, *answer.failure);
}

std::string AzureClient::url_of(const AzureRequest& request) const {
  std::string url = endpoint_ + "/" + config_.container;
  if (!request.key.empty()) url += "/" + base::percent_encode(request.key, true);
  return url + query_of(request);
}

std::string AzureClient::readable_source(const ObjectKey& key) const {
  AzureRequest request;
  request.key = key.value;
  return world_.authorizer->readable_source(url_of(request));
}

AzureClient::Attempt AzureClient::attempt_now() const {
  Attempt attempt;
  attempt.local_ns = world_.clock.now_ns();
  attempt.dated_ns = attempt.local_ns + clock_offset_ns_.load(std::memory_order_relaxed);
  return attempt;
}

http::HttpRequest AzureClient::to_http(const AzureRequest& request,
                                       const Attempt& attempt) const {
  http::HttpRequest out;
  out.method = request.method;
  out.url = url_of(request);
  out.headers.reserve(request.headers.size() + 4);
  out.headers = request.headers;
  out.headers.emplace_back("x-ms-date", base::format_http_date(attempt.dated_ns));
  out.stall_seconds = request.stall_seconds;
  out.max_body_bytes = request.max_body_bytes;
  out.fresh_connection = request.fresh_connection;
  return out;
}

// The version is that of the whole batch.
std::string AzureClient::sub_request(const AzureRequest& request,
                                     const CallContext& context) {
  http::HttpRequest out = to_http(request, attempt_now());
  world_.authorizer->authorize(out, 0, context);
  std::string text = out.method + " " + path_and_query(out.url) + " HTTP/1.1\r\n";
  for (const auto& [name, value] : out.headers) {
    check_one_line(name, value);
    text += name + ": " + value + "\r\n";
  }
  return text + "content-length: 0\r\n\r\n";
}

AzureAnswer AzureClient::send_once(const AzureRequest& request, Attempt& attempt,
                                   const CallContext& context,
                                   const rest::Streams& streams) {
  MemorySource own_body(rest::bytes_of(request.body));
  ByteSource* body = streams.body;
  if (body == nullptr && rest::wants_body(request.method)) body = &own_body;
  http::HttpRequest out = to_http(request, attempt);
  out.headers.emplace_back("x-ms-version", kServiceVersion);
  out.headers.emplace_back("x-ms-client-request-id",
                           guid_of(base::random_hex_id(world_.random)));
  world_.authorizer->authorize(out, body == nullptr ? 0 : body->size(), context);
  attempt.sent = out;
  out.body = body;
  out.before_body = streams.before_body;
  AzureAnswer answer;
  try {
    const std::int64_t sent_ns = world_.clock.now_ns();
    answer.http = world_.transport->send(out, streams.sink, context);
    server_clock_.observe(answer.http, sent_ns, world_.clock.now_ns());
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnavailable) throw;
    throw error.with_context(describe(site(request)));
  }
  const int status = answer.http.status;
  if (status < 200 || status >= 300) answer.failure = parse_failure(answer.http);
  return answer;
}

AzureAnswer AzureClient::send(const AzureRequest& request, const CallContext& context,
                              rest::Streams streams) {
  Corrections done;
  for (;;) {
    context.throw_if_stopped();
    Attempt attempt = attempt_now();
    AzureAnswer answer = send_once(request, attempt, context, streams);
    if (answer.ok() || !correct(attempt, *answer.failure, done, context)) return answer;
    if (streams.body != nullptr) streams.body->rewind();
  }
}

bool AzureClient::correct(const Attempt& attempt, const ServiceFailure& failure,
                          Corrections& done, const CallContext& context) {
  if (!is_authentication_failure(failure)) return false;
  if (!done.clock && correct_clock(attempt, failure)) return done.clock = true;
  if (done.credentials || !world_.authorizer->renew(attempt.sent, context)) return false;
  return done.credentials = true;
}

bool AzureClient::correct_clock(const Attempt& attempt, const ServiceFailure& failure) {
  if (failure.status != 403 || !failure.server_time_ns) return false;
  const std::int64_t skew = std::abs(*failure.server_time_ns - attempt.dated_ns);
  if (skew <= kSuspiciousSkew) return false;
  const std::int64_t offset = *failure.server_time_ns - attempt.local_ns;
  clock_offset_ns_.store(offset, std::memory_order_relaxed);
  base::log().warn(
      "the clock of this machine differs from {} by {} s; signing with its time",
      endpoint_, offset / kSecond);
  return true;
}

}  // namespace cloudsync::storage::azure

// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/s3_client.h"

#include "auth/aws/sigv4.h"
#include "base/encoding.h"
#include "base/log.h"
#include "base/time_format.h"
#include "hash/digest.h"
#include "storage/s3/s3_responses.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

namespace cloudsync::storage::s3 {
namespace {

constexpr std::size_t kHashBuffer = 256 << 10;
constexpr std::int64_t kSecond = 1'000'000'000;
// Services accept 15 minutes; a third of it explains a refusal without doubt.
constexpr std::int64_t kSuspiciousSkew = 300 * kSecond;
constexpr std::int64_t kNoticeableSkew = 30 * kSecond;
constexpr char kEmptyHash[] =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

template <std::size_t N>
bool one_of(std::string_view code, const std::array<std::string_view, N>& codes) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

constexpr std::array<std::string_view, 3> kSkewCodes = {
    "RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"};
constexpr std::array<std::string_view, 3> kSignatureCodes = {
    "SignatureDoesNotMatch", "InvalidSignatureException", "AuthFailure"};
constexpr std::array<std::string_view, 4> kExpiredCodes = {
    "ExpiredToken", "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired"};
constexpr std::array<std::string_view, 4> kRegionCodes = {
    "PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException"};

std::string hash_source(ByteSource& source) {
  hash::Sha256 digest;
  std::vector<std::byte> buffer(
      std::min<std::size_t>(kHashBuffer, static_cast<std::size_t>(source.size()) + 1));
  while (const std::size_t n = source.read(buffer)) digest.update(Bytes(buffer).first(n));
  source.rewind();
  return base::to_hex(digest.finish());
}

std::string request_path(const S3Request& request, const ServiceAddress& address) {
  if (request.key.empty()) return address.base_path.empty() ? "/" : address.base_path;
  return address.base_path + "/" + base::percent_encode(request.key, true);
}

bool same(const auth::AwsCredentials& a, const auth::AwsCredentials& b) {
  return a.access_key_id == b.access_key_id &&
         a.secret_access_key == b.secret_access_key && a.session_token == b.session_token;
}

// Status of a refusal that may hide a wrong region: HEAD says no more than that.
bool may_be_region(const ServiceFailure& failure) {
  if (one_of(failure.code, kRegionCodes)) return true;
  return failure.code.empty() &&
         (failure.status == 301 || failure.status == 307 || failure.status == 400);
}

}  // namespace

struct S3Client::Attempt {
  std::shared_ptr<const ServiceAddress> address;
  std::optional<auth::AwsCredentials> credentials;
  std::int64_t local_ns = 0;   // our clock
  std::int64_t signed_ns = 0;  // what the signature says
};

struct S3Client::Corrections {
  bool clock = false;
  bool region = false;
  bool credentials = false;
};

S3Client::S3Client(S3Config config, S3Dependencies dependencies)
    : config_(std::move(config)),
      endpoint_name_(s3::endpoint_name(config_)),
      world_(std::move(dependencies)),
      address_(std::make_shared<const ServiceAddress>(
          address_in_region(config_, config_.region))) {}

std::shared_ptr<const ServiceAddress> S3Client::address() const {
  const std::lock_guard lock(address_mutex_);
  return address_;
}

std::string S3Client::region() const { return address()->region; }

std::int64_t S3Client::now_ns() const {
  return world_.clock.now_ns() + clock_offset_ns_.load(std::memory_order_relaxed);
}

FailureSite S3Client::site(const S3Request& request) const {
  return {request.operation, config_.bucket, request.key, endpoint_name_};
}

void S3Client::fail(const S3Request& request, const ServiceFailure& failure) const {
  throw make_error(failure, site(request));
}

void S3Client::require_ok(const S3Request& request, const S3Answer& answer) const {
  if (answer.failure) fail(request, *answer.failure);
}

S3Client::Attempt S3Client::prepare(const CallContext& context) {
  Attempt attempt;
  attempt.address = address();
  attempt.credentials = world_.credentials->credentials(context);
  attempt.local_ns = world_.clock.now_ns();
  attempt.signed_ns = attempt.local_ns + clock_offset_ns_.load(std::memory_order_relaxed);
  return attempt;
}

// Over TLS the bytes are protected already; over plain HTTP the signature has to cover
// them.
std::string S3Client::payload_hash(const S3Request& request, const Attempt& attempt,
                                   ByteSource* body) const {
  if (!request.xml.empty())
    return base::to_hex(hash::Sha256::of(rest::bytes_of(request.xml)));
  if (body == nullptr || body->size() == 0) return kEmptyHash;
  if (config_.https || !attempt.credentials) return auth::kUnsignedPayload;
  return request.sha256 ? base::to_hex(*request.sha256) : hash_source(*body);
}

void S3Client::sign(const S3Request& request, const Attempt& attempt,
                    const std::string& path, http::HttpRequest& out,
                    std::string payload_hash) const {
  if (!attempt.credentials) return;
  out.headers.emplace_back("x-amz-content-sha256", payload_hash);
  out.headers.emplace_back("x-amz-date", base::format_compact(attempt.signed_ns));
  if (!attempt.credentials->session_token.empty()) {
    out.headers.emplace_back("x-amz-security-token", attempt.credentials->session_token);
  }
  auth::SigningRequest signing;
  signing.method = out.method;
  signing.path = path;
  signing.query = request.query;
  signing.headers = out.headers;
  signing.payload_hash = std::move(payload_hash);
  auth::SigningScope scope;
  scope.region = attempt.address->region;
  scope.time_ns = attempt.signed_ns;
  out.headers.emplace_back(
      "authorization", auth::authorization_header(signing, *attempt.credentials, scope));
}

http::HttpRequest S3Client::to_http(const S3Request& request, const Attempt& attempt,
                                    ByteSource* body) const {
  http::HttpRequest out;
  const std::string path = request_path(request, *attempt.address);
  out.method = request.method;
  out.url = attempt.address->origin + path;
  if (!request.query.empty()) out.url += "?" + auth::canonical_query(request.query);
  out.headers.reserve(request.headers.size() + 6);
  out.headers = request.headers;
  if (config_.requester_pays) {
    out.headers.emplace_back("x-amz-request-payer", "requester");
  }
  out.headers.emplace_back("host", attempt.address->host);
  out.body = body;
  out.stall_seconds = request.stall_seconds;
  out.max_body_bytes = request.max_body_bytes;
  out.fresh_connection = request.fresh_connection;
  sign(request, attempt, path, out, payload_hash(request, attempt, body));
  return out;
}

S3Answer S3Client::send_once(const S3Request& request, const Attempt& attempt,
                             const CallContext& context, rest::Streams streams) {
  MemorySource own_body(rest::bytes_of(request.xml));
  ByteSource* body = streams.body;
  if (body == nullptr && rest::wants_body(request.method)) body = &own_body;
  http::HttpRequest out = to_http(request, attempt, body);
  out.before_body = streams.before_body;
  S3Answer answer;
  try {
    const std::int64_t sent_ns = world_.clock.now_ns();
    answer.http = world_.transport->send(out, streams.sink, context);
    server_clock_.observe(answer.http, sent_ns, world_.clock.now_ns());
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnavailable) throw;
    throw error.with_context(describe(site(request)));
  }
  if (attempt.credentials) answer.credentials = attempt.credentials->origin;
  const int status = answer.http.status;
  if (status < 200 || status >= 300 || is_error_document(answer.http.body)) {
    answer.failure = parse_failure(answer.http);
    answer.failure->credentials = answer.credentials;
  }
  return answer;
}

S3Answer S3Client::send(const S3Request& request, const CallContext& context,
                        rest::Streams streams) {
  Corrections done;
  for (;;) {
    context.throw_if_stopped();
    const Attempt attempt = prepare(context);
    S3Answer answer = send_once(request, attempt, context, streams);
    if (answer.ok() || !correct(attempt, *answer.failure, done, context)) return answer;
    if (streams.body != nullptr) streams.body->rewind();
  }
}

bool S3Client::correct(const Attempt& attempt, const ServiceFailure& failure,
                       Corrections& done, const CallContext& context) {
  if (failure.status >= 500 || !attempt.credentials) {
    return !done.region && (done.region = correct_region(attempt, failure, context));
  }
  if (!done.clock && correct_clock(attempt, failure)) return done.clock = true;
  if (!done.region && correct_region(attempt, failure, context))
    return done.region = true;
  if (done.credentials || !refresh_credentials(attempt, failure, context)) return false;
  return done.credentials = true;
}

bool S3Client::correct_clock(const Attempt& attempt, const ServiceFailure& failure) {
  if (!failure.server_time_ns) return false;
  const std::int64_t skew = std::abs(*failure.server_time_ns - attempt.signed_ns);
  const bool named = one_of(failure.code, kSkewCodes);
  const bool possible = one_of(failure.code, kSignatureCodes) ||
                        (failure.code.empty() && failure.status == 403);
  if (!(named && skew > kNoticeableSkew) && !(possible && skew > kSuspiciousSkew)) {
    return false;
  }
  const std::int64_t offset = *failure.server_time_ns - attempt.local_ns;
  clock_offset_ns_.store(offset, std::memory_order_relaxed);
  base::log().warn(
      "the clock of this machine differs from {} by {} s; signing with its time",
      endpoint_name_, offset / kSecond);
  return true;
}

bool S3Client::correct_region(const Attempt& attempt, const ServiceFailure& failure,
                              const CallContext& context) {
  if (!may_be_region(failure)) return false;
  std::string region = failure.region;
  if (region.empty() && failure.status != 400) region = ask_region(attempt, context);
  // The region becomes part of a host name, so it must not be anything else.
  if (!is_valid_region(region) || region == attempt.address->region) return false;
  const auto corrected =
      std::make_shared<const ServiceAddress>(address_in_region(config_, region));
  base::log().info("s3://{} is in region {}, not {}", config_.bucket, region,
                   attempt.address->region);
  const std::lock_guard lock(address_mutex_);
  address_ = corrected;
  return true;
}

// Even a refused HeadBucket names the bucket's region.
std::string S3Client::ask_region(const Attempt& attempt, const CallContext& context) {
  S3Request head;
  head.operation = {"HeadBucket", "s3:ListBucket"};
  head.method = "HEAD";
  const S3Answer answer = send_once(head, attempt, context, {});
  return std::string(answer.http.header("x-amz-bucket-region").value_or(""));
}

bool S3Client::refresh_credentials(const Attempt& attempt, const ServiceFailure& failure,
                                   const CallContext& context) {
  // A HEAD with an expired session says 400 and nothing more.
  const bool silent = failure.code.empty() && failure.status == 400 &&
                      !attempt.credentials->session_token.empty();
  if (!one_of(failure.code, kExpiredCodes) && !silent) return false;
  world_.credentials->invalidate(*attempt.credentials);
  try {
    const auto fresh = world_.credentials->credentials(context);
    return fresh && !same(*fresh, *attempt.credentials);
  } catch (const Error& error) {
    throw error.with_context("the service at " + endpoint_name_ +
                             " refused the credentials (" + attempt.credentials->origin +
                             ") as expired, and there are no others");
  }
}

}  // namespace cloudsync::storage::s3

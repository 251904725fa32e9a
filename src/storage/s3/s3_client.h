// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/byte_stream.h"
#include "base/call_context.h"
#include "http/transport.h"
#include "storage/rest/exchange.h"
#include "storage/rest/server_clock.h"
#include "storage/s3/s3_config.h"
#include "storage/s3/s3_errors.h"
#include "storage/s3/s3_requests.h"
#include "storage/s3/s3_store.h"

namespace cloudsync::storage::s3 {

// What came back. `failure` is set for every status but 2xx and for an error inside a
// 200.
struct S3Answer : rest::Answer<ServiceFailure> {
  std::string credentials;  // where those that signed come from; "" = unsigned
  using Answer::is;
  bool is(std::string_view code) const { return failure && failure->code == code; }
};

// Addresses, signs and sends the requests of one bucket. Thread-safe. Three faults of the
// signature are put right and the request sent again, each at most once a call: the local
// clock, the region, expired credentials. What was learnt holds for the following
// requests. Nothing has been executed by the service in these cases, so sending again is
// never a second execution.
class S3Client {
 public:
  S3Client(S3Config config, S3Dependencies dependencies);

  // Throws what the transport throws, with the operation in front.
  S3Answer send(const S3Request& request, const CallContext& context,
                rest::Streams streams = {});

  [[noreturn]] void fail(const S3Request& request, const ServiceFailure& failure) const;
  // The Error of an answer that is a failure, thrown; else nothing happens.
  void require_ok(const S3Request& request, const S3Answer& answer) const;
  FailureSite site(const S3Request& request) const;

  const S3Config& config() const { return config_; }
  std::string region() const;
  // The service's clock as far as it is known.
  std::int64_t now_ns() const;
  const rest::ServerClock& server_clock() const { return server_clock_; }

  // Runs a parser; what it throws gets the operation in front.
  template <class Parse>
  auto interpret(const S3Request& request, Parse&& parse) const {
    try {
      return std::forward<Parse>(parse)();
    } catch (const Error& error) {
      throw error.with_context(describe(site(request)));
    }
  }

 private:
  struct Attempt;
  struct Corrections;

  Attempt prepare(const CallContext& context);
  std::string payload_hash(const S3Request& request, const Attempt& attempt,
                           ByteSource* body) const;
  http::HttpRequest to_http(const S3Request& request, const Attempt& attempt,
                            ByteSource* body) const;
  void sign(const S3Request& request, const Attempt& attempt, const std::string& path,
            http::HttpRequest& out, std::string payload_hash) const;
  S3Answer send_once(const S3Request& request, const Attempt& attempt,
                     const CallContext& context, rest::Streams streams);

  bool correct(const Attempt& attempt, const ServiceFailure& failure, Corrections& done,
               const CallContext& context);
  bool correct_clock(const Attempt& attempt, const ServiceFailure& failure);
  bool correct_region(const Attempt& attempt, const ServiceFailure& failure,
                      const CallContext& context);
  bool refresh_credentials(const Attempt& attempt, const ServiceFailure& failure,
                           const CallContext& context);
  std::string ask_region(const Attempt& attempt, const CallContext& context);
  std::shared_ptr<const ServiceAddress> address() const;

  const S3Config config_;
  const std::string endpoint_name_;
  S3Dependencies world_;
  rest::ServerClock server_clock_;
  std::atomic<std::int64_t> clock_offset_ns_{0};  // the service's clock minus ours
  mutable std::mutex address_mutex_;
  std::shared_ptr<const ServiceAddress> address_;  // guarded by address_mutex_
};

}  // namespace cloudsync::storage::s3

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "base/byte_stream.h"
#include "base/call_context.h"
#include "http/transport.h"
#include "storage/gcs/gcs_config.h"
#include "storage/gcs/gcs_errors.h"
#include "storage/gcs/gcs_requests.h"
#include "storage/gcs/gcs_store.h"
#include "storage/rest/exchange.h"
#include "storage/rest/server_clock.h"

namespace cloudsync::storage::gcs {

// What came back. `failure` is set for every status but 2xx and a session's 308.
struct GcsAnswer : rest::Answer<ServiceFailure> {
  // Absent, and not because the bucket is.
  bool is_absent() const {
    return failure && (failure->status == 404 || failure->status == 410) &&
           !is_missing_bucket(*failure);
  }
};

// Addresses, authorizes and sends the requests of one bucket. Thread-safe. A token that
// is refused is exchanged for a fresh one and the request sent again, once a call: the
// service has executed nothing then.
class GcsClient {
 public:
  GcsClient(GcsConfig config, GcsDependencies dependencies)
      : config_(std::move(config)), world_(std::move(dependencies)) {}

  // Throws what the transport throws, with the operation in front.
  GcsAnswer send(const GcsRequest& request, const CallContext& context,
                 rest::Streams streams = {});

  [[noreturn]] void fail(const GcsRequest& request, const ServiceFailure& failure) const;
  // The Error of an answer that is a failure, thrown; else nothing happens.
  void require_ok(const GcsRequest& request, const GcsAnswer& answer) const;
  FailureSite site(const GcsRequest& request) const;

  const GcsConfig& config() const { return config_; }
  std::string fresh_boundary() const;
  const rest::ServerClock& server_clock() const { return server_clock_; }

  // Runs a parser; what it throws gets the operation in front.
  template <class Parse>
  auto interpret(const GcsRequest& request, Parse&& parse) const {
    try {
      return std::forward<Parse>(parse)();
    } catch (const Error& error) {
      throw error.with_context(describe(site(request)));
    }
  }

 private:
  std::optional<auth::AccessToken> token(const CallContext& context);
  std::optional<auth::AccessToken> renewed(const auth::AccessToken& refused,
                                           const CallContext& context);
  http::HttpRequest to_http(const GcsRequest& request,
                            const std::optional<auth::AccessToken>& token,
                            ByteSource* body) const;
  GcsAnswer send_once(const GcsRequest& request,
                      const std::optional<auth::AccessToken>& token,
                      const CallContext& context, const rest::Streams& streams);

  const GcsConfig config_;
  GcsDependencies world_;
  rest::ServerClock server_clock_;
};

}  // namespace cloudsync::storage::gcs

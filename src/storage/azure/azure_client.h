// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/byte_stream.h"
#include "base/call_context.h"
#include "http/transport.h"
#include "storage/azure/azure_config.h"
#include "storage/azure/azure_errors.h"
#include "storage/azure/azure_requests.h"
#include "storage/azure/azure_store.h"
#include "storage/rest/exchange.h"
#include "storage/rest/server_clock.h"

namespace cloudsync::storage::azure {

// What came back. `failure` is set for every status but 2xx.
struct AzureAnswer : rest::Answer<ServiceFailure> {
  using Answer::is;
  bool is(std::string_view code) const { return failure && failure->code == code; }
};

// The blob is not there; a container that is absent or closed is another matter.
bool is_absent(const AzureAnswer& answer);
// Refused by If-Match or If-None-Match, and not by a lease, which says 412 as well.
bool is_condition_failed(const AzureAnswer& answer);
// The same for a write under `condition`: an existing blob is told as a conflict, and an
// absent one may be as such.
bool is_condition_failed(const AzureAnswer& answer, const Precondition& condition);

// Addresses, authorizes and sends the requests of one container. Thread-safe. Two faults
// of the authorization are put right and the request sent again, each at most once a
// call: the local clock and expired credentials. Nothing has been executed by the service
// in these cases, so sending again is never a second execution.
class AzureClient {
 public:
  AzureClient(AzureConfig config, AzureDependencies dependencies);

  // Throws what the transport throws, with the operation in front.
  AzureAnswer send(const AzureRequest& request, const CallContext& context,
                   rest::Streams streams = {});
  // A request without body, authorized by itself, as one of a batch is written.
  std::string sub_request(const AzureRequest& request, const CallContext& context);
  // The URL of a blob, with what the service needs to read it.
  std::string readable_source(const ObjectKey& key) const;

  [[noreturn]] void fail(const AzureRequest& request,
                         const ServiceFailure& failure) const;
  // The Error of an answer that is a failure, thrown; else nothing happens.
  void require_ok(const AzureRequest& request, const AzureAnswer& answer) const;
  FailureSite site(const AzureRequest& request) const;

  const AzureConfig& config() const { return config_; }
  const base::Clock& clock() const { return world_.clock; }
  const rest::ServerClock& server_clock() const { return server_clock_; }
  base::Random& random() const { return world_.random; }
  // The service's clock as far as it is known.
  std::int64_t now_ns() const;

  // Runs a parser; what it throws gets the operation in front.
  template <class Parse>
  auto interpret(const AzureRequest& request, Parse&& parse) const {
    try {
      return std::forward<Parse>(parse)();
    } catch (const Error& error) {
      throw error.with_context(describe(site(request)));
    }
  }

 private:
  struct Attempt;
  struct Corrections;

  std::string url_of(const AzureRequest& request) const;
  http::HttpRequest to_http(const AzureRequest& request, const Attempt& attempt) const;
  AzureAnswer send_once(const AzureRequest& request, Attempt& attempt,
                        const CallContext& context, const rest::Streams& streams);
  bool correct(const Attempt& attempt, const ServiceFailure& failure, Corrections& done,
               const CallContext& context);
  bool correct_clock(const Attempt& attempt, const ServiceFailure& failure);
  Attempt attempt_now() const;

  const AzureConfig config_;
  const std::string endpoint_;
  AzureDependencies world_;
  rest::ServerClock server_clock_;
  std::atomic<std::int64_t> clock_offset_ns_{0};  // the service's clock minus ours
};

}  // namespace cloudsync::storage::azure

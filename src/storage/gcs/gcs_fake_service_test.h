// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "http/transport.h"

namespace cloudsync::storage::gcs::testing {

// One misbehaviour, in the words of Google's retry conformance tests: "return-503",
// "return-408", "return-400", "return-reset-connection" (before the service reads
// anything), "return-503-after-256K" (uploads), "return-broken-stream[-after-256K]"
// (downloads); and "lose-answer": carried out, then the connection is gone.
struct Fault {
  std::string instruction;
  std::string method = "";  // only for requests of this kind; "" = any
};

// Google Cloud Storage as its documentation describes it, at the transport seam: objects
// with generations, preconditions, sessions that keep multiples of 256 KiB, batches,
// rewrites in steps. A request that the real service would not take fails the test.
class FakeGcs final : public http::HttpTransport {
 public:
  struct Object {
    std::string content;
    std::uint64_t generation = 0;
    std::string resource;  // JSON: what the writer said
    bool composite = false;
  };
  struct Session {
    std::string resource;
    std::string name;
    std::string condition;  // ifGenerationMatch of the beginning
    std::uint64_t announced = 0;
    std::string received;
    bool complete = false;
    bool cancelled = false;
  };
  struct Recorded {
    std::string method;
    std::string url;
    http::Headers headers;
    std::string body;
    std::string header(std::string_view name) const;
  };

  http::HttpResponse send(const http::HttpRequest& request, ByteSink* sink,
                          const CallContext& context) override;

  void fail_next(Fault fault);
  std::size_t pending_faults() const;
  std::uint64_t put(const std::string& name, const std::string& content);
  std::optional<Object> object(const std::string& name) const;
  std::vector<Recorded> requests() const;
  std::size_t count(const std::string& method, const std::string& in_url) const;
  // The sessions that were begun, newest last.
  std::vector<std::string> session_urls() const;
  Session session(const std::string& url) const;
  // Ends it as its week would.
  void expire(const std::string& url);

  // Settings; set before use.
  std::string accepted_token = "token-1";
  bool requester_pays = false;
  bool may_read_bucket = true;
  bool sends_media_metadata = true;
  bool damages_uploads = false;  // stores other bytes than came, and checks nothing
  std::uint64_t keeps_at_most = 1ULL
                                << 40;  // bytes that a chunk brings a session further
  bool ends_asked_sessions = false;    // a status query publishes what came, as an object
  std::uint64_t rewrite_step = ~0ULL;  // bytes

 private:
  struct Call;
  http::HttpResponse route(Call& call);
  http::HttpResponse bucket(Call& call);
  http::HttpResponse list(Call& call);
  http::HttpResponse object_call(Call& call, const std::string& name);
  http::HttpResponse media(Call& call, const Object& object);
  http::HttpResponse remove(Call& call, const std::string& name);
  http::HttpResponse rewrite(Call& call, const std::string& from, const std::string& to);
  http::HttpResponse upload(Call& call);
  http::HttpResponse upload_enveloped(Call& call);
  http::HttpResponse begin_session(Call& call);
  http::HttpResponse session_call(Call& call, const std::string& id);
  http::HttpResponse chunk(Call& call, Session& session);
  http::HttpResponse batch(Call& call);
  http::HttpResponse store(const std::string& name, std::string content,
                           const std::string& resource);
  std::optional<http::HttpResponse> check_token(const Call& call) const;
  std::optional<http::HttpResponse> failed_condition(const std::string& wanted,
                                                     const std::string& name) const;
  std::optional<http::HttpResponse> inject(Call& call);

  mutable std::mutex mutex_;
  std::map<std::string, Object> objects_;    // this and the following: guarded by mutex_
  std::map<std::string, Session> sessions_;  // by upload_id
  std::vector<std::string> session_order_;
  std::vector<Recorded> requests_;
  std::deque<Fault> faults_;
  std::uint64_t last_generation_ = 1'700'000'000'000'000;
  std::uint64_t break_stream_after_ = ~0ULL;
  std::optional<std::uint64_t> fail_upload_after_;
  bool lose_answer_ = false;
};

}  // namespace cloudsync::storage::gcs::testing

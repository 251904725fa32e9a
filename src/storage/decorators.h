// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "base/retry.h"
#include "cloudsync/cloud_sync.h"
#include "storage/object_store.h"
#include "storage/server_facts.h"

namespace cloudsync::storage {

// Each wraps a store it does not own and is itself a whole ObjectStore, multipart
// included. From the inside out: counted, precondition guard, retrying. The guard lies
// below the retries, so that each attempt looks at the key again.

// Counts requests by kind, and tells of each that was answered, listings apart, with the
// bytes that it moved.
class RequestCounter {
 public:
  RequestCounts counts() const;
  void answered(std::uint64_t bytes) const {
    if (on_answered) on_answered(bytes);
  }
  std::atomic<std::uint64_t> list{0}, head{0}, get{0}, put{0}, del{0}, other{0};
  std::function<void(std::uint64_t bytes)> on_answered;
};
std::unique_ptr<ObjectStore> make_counted_store(ObjectStore& inner,
                                                RequestCounter& counter);

struct RetryObserver {
  std::function<void(const Error&, int attempt, std::chrono::milliseconds wait)> on_retry;
  std::function<void()> on_throttled;
};
// Repeats what may be repeated: reads always (a body goes on at the byte where it broke,
// pinned to the version first seen), writes only with a precondition or where repeating
// is the same as once (parts, aborts, deletes of a token). A 412 after a lost answer is
// settled by HEAD and comparison (MD5 or size and checksum), never by guess; the same for
// Complete after NoSuchUpload.
std::unique_ptr<ObjectStore> make_retrying_store(ObjectStore& inner,
                                                 const base::RetryPolicy& policy,
                                                 base::RetryEnvironment environment,
                                                 RetryObserver observer = {});

struct GuardOptions {
  // False: a write whose condition the server does not keep fails; looking is no
  // substitute.
  bool may_look_instead = true;
  // True where a refused creation is worth a second look: a server may take a delete
  // marker for an object.
  bool doubts_refusals = false;
  // An answer contradicted what is known, or told what was not. Called from any thread.
  std::function<void(const std::string& feature, Support now, const std::string& words)>
      on_learnt;
};

// Keeps preconditions where the server is not known to: HEAD, compare, then write, with
// the condition sent along unless the server refuses to hear it. What is honoured passes
// through.
std::unique_ptr<ObjectStore> make_precondition_guard(ObjectStore& inner,
                                                     const ServerFacts& facts,
                                                     GuardOptions options = {});

// Finds out on a custom endpoint what it honours, by writing below
// <prefix>.cloudsync/probe/<probe_id>/ and removing it again, also after a failure. Asks
// only for what `known` leaves open; some sixty small requests for all of it. A step
// without an answer stays unknown with the reason in `doubts`. Leftovers of probes that
// died are removed on the way. Throws only kCancelled.
struct ProbeResult {
  ServerFacts facts;
  bool clean = true;  // nothing of this or an earlier probe is left
};
ProbeResult probe_server(ObjectStore& store, const std::string& prefix,
                         const std::string& probe_id, ServerFacts known,
                         const CallContext& context);

// Removes what probes below <prefix>.cloudsync/probe/ left more than an hour ago, by the
// server's clock: objects, and uploads in parts. False when something had to stay.
bool remove_probe_leftovers(ObjectStore& store, const std::string& prefix,
                            std::int64_t server_now_ns, const CallContext& context);

}  // namespace cloudsync::storage

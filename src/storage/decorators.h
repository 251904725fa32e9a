// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "base/retry.h"
#include "cloudsync/cloud_sync.h"
#include "storage/object_store.h"

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

// Keeps preconditions where the server ignores them: HEAD, compare, then write.
// `capabilities` are the probed ones; flags that are true pass through.
std::unique_ptr<ObjectStore> make_precondition_guard(ObjectStore& inner,
                                                     const Capabilities& capabilities);

// Finds out on a custom endpoint what it honours, by writing below
// <prefix>.cloudsync/probe/<probe_id>/ and removing it again, also after a failure. Needs
// write permission; some sixty small requests, once per bucket. Throws Error when the
// server cannot be asked (outage, missing right); a refusal of any other kind is an
// answer.
Capabilities probe_capabilities(ObjectStore& store, const std::string& prefix,
                                const std::string& probe_id, const CallContext& context);
std::string capabilities_to_json(const Capabilities& capabilities);
// Nothing when the text is not ours or of another version.
std::optional<Capabilities> capabilities_from_json(const std::string& text,
                                                   const Capabilities& declared);

}  // namespace cloudsync::storage

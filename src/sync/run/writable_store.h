// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/call_context.h"
#include "base/random.h"
#include "cloudsync/sync_state.h"
#include "storage/decorators.h"
#include "storage/object_store.h"

namespace cloudsync::sync {

// The bucket as a run may write it. What a custom endpoint honours is probed before the
// first mutation and remembered in the database; where it ignores preconditions the store
// returned keeps them by looking first. Thread-safe.
class WritableStore {
 public:
  using Decorate =
      std::function<std::unique_ptr<storage::ObjectStore>(storage::ObjectStore&)>;
  struct Options {
    std::string provider;
    std::string container;
    std::string prefix;
    bool require_conditional_writes = false;
    std::function<void(const std::string&)> notice;
    // Makes a store repeat what may be repeated. It goes around the looking: a write that
    // is sent again after a wait must look again, or it would hit what came in between.
    Decorate retrying;
  };
  // `store` repeats nothing by itself.
  WritableStore(storage::ObjectStore& store, SyncStateDatabase& state,
                base::Random& random, Options options);

  // What is known without asking: declared, or remembered from an earlier probe.
  std::optional<storage::Capabilities> known_capabilities() const;
  // Throws Error{kUnsupported} when conditional writes are required and not honoured.
  storage::ObjectStore& get(const CallContext& context);
  // Whether the bucket itself keeps what is deleted or replaced for so long, by versions
  // or by soft delete. Asked once, at the first need; a bucket that does not tell keeps
  // nothing.
  bool keeps_deleted(std::int64_t seconds, const CallContext& context);

 private:
  storage::Capabilities settle_capabilities(const CallContext& context);
  void judge(const storage::Capabilities& capabilities) const;

  storage::ObjectStore& bare_;
  SyncStateDatabase& state_;
  base::Random& random_;
  Options options_;
  const std::unique_ptr<storage::ObjectStore> store_;  // repeats, looks at nothing
  std::mutex mutex_;
  std::unique_ptr<storage::ObjectStore> guard_;
  std::unique_ptr<storage::ObjectStore> guarded_;  // repeats what the guard does
  std::optional<storage::BucketInfo> bucket_;
};

}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/call_context.h"
#include "base/clock.h"
#include "base/random.h"
#include "cloudsync/sync_state.h"
#include "storage/decorators.h"
#include "storage/object_store.h"

namespace cloudsync::sync {

// The bucket as a run may write it. What a custom endpoint honours is probed once a run
// at most, before the first mutation, for all workers together: also a probe that failed
// is not repeated. What the server answered is remembered in the database for a week;
// what it did not answer holds for this run. Where it is not known to keep preconditions
// the store returned keeps them by looking first. Thread-safe.
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
    const base::Clock& clock = base::system_clock();
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
  // Remembers what the store learnt to do without. At the end of a run that may write its
  // database.
  void remember();

 private:
  std::optional<storage::ServerFacts> remembered() const;
  void settle_facts(const CallContext& context);
  void probe(const CallContext& context);
  bool left_something() const;
  void learn(const std::string& feature, storage::Support now, const std::string& words);
  void save() const;
  void judge() const;
  void tell_doubts() const;

  storage::ObjectStore& bare_;
  SyncStateDatabase& state_;
  base::Random& random_;
  Options options_;
  const std::unique_ptr<storage::ObjectStore> store_;  // repeats, looks at nothing
  std::mutex mutex_;
  mutable std::mutex facts_mutex_;  // taken inside mutex_
  std::optional<storage::ServerFacts> facts_;
  std::unique_ptr<storage::ObjectStore> guard_;
  std::unique_ptr<storage::ObjectStore> guarded_;  // repeats what the guard does
  std::optional<storage::BucketInfo> bucket_;
};

}  // namespace cloudsync::sync

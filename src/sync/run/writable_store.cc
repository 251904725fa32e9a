// SPDX-License-Identifier: Apache-2.0
#include "sync/run/writable_store.h"

#include "base/retry.h"

namespace cloudsync::sync {

namespace {

constexpr base::RetryPolicy kProbeRetries{.retries = 3,
                                          .delay = std::chrono::milliseconds(500),
                                          .max_delay = std::chrono::milliseconds(5000)};

std::string meta_name(const WritableStore::Options& options) {
  return "capabilities:" + options.provider + ":" + options.container;
}

}  // namespace

WritableStore::WritableStore(storage::ObjectStore& store, SyncStateDatabase& state,
                             base::Random& random, Options options)
    : bare_(store),
      state_(state),
      random_(random),
      options_(std::move(options)),
      store_(options_.retrying(store)) {}

std::optional<storage::Capabilities> WritableStore::known_capabilities() const {
  const auto& declared = bare_.capabilities();
  if (declared.declared) return declared;
  const auto remembered = state_.meta(meta_name(options_));
  if (!remembered) return std::nullopt;
  return storage::capabilities_from_json(*remembered, declared);
}

storage::Capabilities WritableStore::settle_capabilities(const CallContext& context) {
  if (auto known = known_capabilities()) return *known;
  // Around the bare store: a probe sends what must be refused, and a refusal is not to be
  // repeated.
  const auto probed = base::retry_loop(kProbeRetries, base::Idempotency::kSafe, context,
                                       base::RetryEnvironment{}, [&](int) {
                                         return storage::probe_capabilities(
                                             bare_, options_.prefix,
                                             base::random_hex_id(random_), context);
                                       });
  state_.set_meta(meta_name(options_), storage::capabilities_to_json(probed));
  return probed;
}

void WritableStore::judge(const storage::Capabilities& capabilities) const {
  if (capabilities.conditional_put && capabilities.conditional_complete) return;
  const std::string place = bare_.describe();
  if (options_.require_conditional_writes) {
    throw Error(
        ErrorCode::kUnsupported,
        place +
            " ignores preconditions on writes and require_conditional_writes is set; "
            "unset it to let every write look first");
  }
  options_.notice(
      place +
      " ignores preconditions on writes: every write looks first, and another "
      "writer in that instant would be overwritten");
}

storage::ObjectStore& WritableStore::get(const CallContext& context) {
  const std::lock_guard lock(mutex_);
  if (guarded_) return *guarded_;
  const auto capabilities = settle_capabilities(context);
  judge(capabilities);
  guard_ = storage::make_precondition_guard(bare_, capabilities);
  guarded_ = options_.retrying(*guard_);
  return *guarded_;
}

bool WritableStore::keeps_deleted(std::int64_t seconds, const CallContext& context) {
  const std::lock_guard lock(mutex_);
  if (!bucket_) {
    try {
      bucket_ = store_->describe_bucket(context);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kCancelled) throw;
      bucket_.emplace();
    }
  }
  return bucket_->versioned ||
         (bucket_->soft_delete_seconds > 0 && bucket_->soft_delete_seconds >= seconds);
}

}  // namespace cloudsync::sync

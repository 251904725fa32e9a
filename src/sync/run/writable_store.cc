// SPDX-License-Identifier: Apache-2.0
#include "sync/run/writable_store.h"

#include <algorithm>

#include "base/log.h"
#include "base/time_range.h"
#include "storage/server_helps.h"

namespace cloudsync::sync {

namespace {

using storage::ServerFacts;
using storage::Support;

// Servers are updated and gateways reconfigured: after a week everything is asked anew.
constexpr std::int64_t kLongestMemory = 7LL * 86400 * 1'000'000'000;
// A clock that was ahead when something was learnt would make it last.
constexpr std::int64_t kSlackOfClocks = 86400LL * 1'000'000'000;

std::string facts_name(const WritableStore::Options& options) {
  return "capabilities:" + options.provider + ":" + options.container;
}

// Set from before a probe's first write until nothing of it is left.
std::string leftovers_name(const WritableStore::Options& options) {
  return "probe_leftovers:" + options.provider + ":" + options.container + ":" +
         options.prefix;
}

constexpr char kNone[] = "";
constexpr char kSome[] = "some";

}  // namespace

WritableStore::WritableStore(storage::ObjectStore& store, SyncStateDatabase& state,
                             base::Random& random, Options options)
    : bare_(store),
      state_(state),
      random_(random),
      options_(std::move(options)),
      store_(options_.retrying(store)) {
  if (bare_.capabilities().declared) return;
  storage::ServerHelps* helps = storage::helps_of(bare_);
  const auto known = helps ? remembered() : std::nullopt;
  if (known) helps->renounce(known->renounced);
}

std::optional<ServerFacts> WritableStore::remembered() const {
  const auto text = state_.meta(facts_name(options_));
  auto facts = text ? storage::facts_from_json(*text) : std::nullopt;
  if (!facts) return std::nullopt;
  const std::int64_t age =
      base::time_difference(options_.clock.now_ns(), facts->learnt_ns);
  if (age > kLongestMemory || age < -kSlackOfClocks) return std::nullopt;
  return facts;
}

std::optional<storage::Capabilities> WritableStore::known_capabilities() const {
  const auto& declared = bare_.capabilities();
  if (declared.declared) return declared;
  const std::lock_guard lock(facts_mutex_);
  if (facts_) return facts_->over(declared);
  const auto known = remembered();
  if (!known) return std::nullopt;
  return known->over(declared);
}

bool WritableStore::left_something() const {
  const auto flag = state_.meta(leftovers_name(options_));
  return flag && *flag != kNone;
}

// Around the bare store: a probe sends what must be refused, and a refusal is not to be
// repeated. One that has nothing to ask still cleans up behind an earlier one.
void WritableStore::probe(const CallContext& context) {
  ServerFacts known = remembered().value_or(ServerFacts{});
  if (known.learnt_ns == 0) known.learnt_ns = options_.clock.now_ns();
  if (!known.complete() || left_something()) {
    state_.set_meta(leftovers_name(options_), kSome);
    auto probed = storage::probe_server(
        bare_, options_.prefix, base::random_hex_id(random_), std::move(known), context);
    if (probed.clean) state_.set_meta(leftovers_name(options_), kNone);
    known = std::move(probed.facts);
  }
  const std::lock_guard lock(facts_mutex_);
  facts_ = std::move(known);
  save();
}

void WritableStore::settle_facts(const CallContext& context) {
  if (facts_) return;
  if (bare_.capabilities().declared) {
    facts_ = storage::declared_facts(bare_.capabilities());
    return;
  }
  probe(context);
  tell_doubts();
}

void WritableStore::save() const {
  state_.set_meta(facts_name(options_), storage::facts_to_json(*facts_));
}

void WritableStore::learn(const std::string& feature, Support now,
                          const std::string& words) {
  const std::lock_guard lock(facts_mutex_);
  facts_->support[feature] = now;
  if (bare_.capabilities().declared) return;
  save();
  base::log().warn("{}: what was known of it ({}) no longer holds and is asked anew: {}",
                   bare_.describe(), feature, words);
}

void WritableStore::remember() {
  const std::lock_guard lock(facts_mutex_);
  const storage::ServerHelps* helps = storage::helps_of(bare_);
  if (bare_.capabilities().declared || !helps) return;
  const auto renounced = helps->renounced();
  ServerFacts known = facts_ ? *facts_ : remembered().value_or(ServerFacts{});
  if (renounced == known.renounced) return;
  if (known.learnt_ns == 0) known.learnt_ns = options_.clock.now_ns();
  known.renounced = renounced;
  facts_ = std::move(known);
  save();
}

void WritableStore::tell_doubts() const {
  if (facts_->doubts.empty()) return;
  const auto& [feature, words] = *facts_->doubts.begin();
  base::log().warn(
      "{} gave no answer to {} of the questions what it honours; this run does without "
      "what is unknown, the next one asks again ({}: {})",
      bare_.describe(), facts_->doubts.size(), feature, words);
}

void WritableStore::judge() const {
  const Support put = facts_->of(storage::feature::kPut);
  const Support complete = facts_->of(storage::feature::kComplete);
  if (put == Support::kHonoured && complete == Support::kHonoured) return;
  const bool unknown = put == Support::kUnknown || complete == Support::kUnknown;
  const std::string place = bare_.describe();
  const std::string what =
      place + (unknown ? " could not be asked whether it keeps preconditions on writes"
                       : " ignores preconditions on writes");
  if (options_.require_conditional_writes) {
    throw Error(ErrorCode::kUnsupported,
                what + " and require_conditional_writes is set; " +
                    (unknown ? "run again when it answers, or unset it"
                             : "unset it to let every write look first"));
  }
  options_.notice(what +
                  ": every write looks first, and another writer in that instant would "
                  "be overwritten");
}

storage::ObjectStore& WritableStore::get(const CallContext& context) {
  const std::lock_guard lock(mutex_);
  if (guarded_) return *guarded_;
  settle_facts(context);
  judge();
  storage::GuardOptions guard;
  guard.may_look_instead = !options_.require_conditional_writes;
  guard.doubts_refusals = !bare_.capabilities().declared;
  guard.on_learnt = [this](const std::string& feature, Support now,
                           const std::string& words) { learn(feature, now, words); };
  guard_ = storage::make_precondition_guard(bare_, *facts_, std::move(guard));
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
      base::log().warn(
          "whether {} keeps versions is unknown; this run copies what it replaces or "
          "deletes to the trash first: {}",
          bare_.describe(), error.what());
    }
  }
  return bucket_->versioned ||
         (bucket_->soft_delete_seconds > 0 && bucket_->soft_delete_seconds >= seconds);
}

}  // namespace cloudsync::sync

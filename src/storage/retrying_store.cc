// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>

#include "storage/decorators.h"
#include "storage/retry_calls.h"
#include "storage/settlement.h"

namespace cloudsync::storage {
namespace {

using base::Idempotency;

// Services tell times and their own clock in whole seconds.
constexpr std::int64_t kUnsureNs = 2'000'000'000;

Idempotency safe_if(bool safe) {
  return safe ? Idempotency::kSafe : Idempotency::kUnsafe;
}

// Without a condition even the same bytes are not the same twice: between the two,
// somebody else's write may have been seen by its writer as the last one.
Idempotency idempotency_of(const PutRequest& request) {
  return safe_if(request.condition.any() || is_own_key(request.key));
}

// Deleting a token twice is deleting it once; deleting a name twice may hit a new object.
Idempotency idempotency_of(const DeleteRequest& request) {
  return safe_if(request.if_match.has_value() || is_own_key(request.key));
}

bool may_repeat(const DeleteRequest& request, const Error& error) {
  if (!error.retryable()) return false;
  return error.code() == ErrorCode::kThrottled ||
         idempotency_of(request) == Idempotency::kSafe;
}

class RetryingStore final : public ObjectStore {
 public:
  RetryingStore(ObjectStore& inner, RetryCalls calls)
      : inner_(inner), calls_(std::move(calls)) {
    if (inner.multipart()) uploads_.emplace(inner, calls_);
  }

  const Capabilities& capabilities() const override { return inner_.capabilities(); }
  std::string describe() const override { return inner_.describe(); }
  std::optional<std::int64_t> clock_offset_ns() override {
    return inner_.clock_offset_ns();
  }
  MultipartStore* multipart() override { return uploads_ ? &*uploads_ : nullptr; }

  ListPage list(const ListRequest& request, const CallContext& context) override {
    return calls_.run_safe(context, [&](int) { return inner_.list(request, context); });
  }
  std::optional<ObjectInfo> head(const ObjectKey& key,
                                 const CallContext& context) override {
    return calls_.run_safe(context, [&](int) { return inner_.head(key, context); });
  }
  Tags tags(const ObjectKey& key, const CallContext& context) override {
    return calls_.run_safe(context, [&](int) { return inner_.tags(key, context); });
  }
  GetResult get(const GetRequest& request, ByteSink& sink,
                const CallContext& context) override {
    return ResumingGet(inner_, calls_, context).run(request, sink);
  }
  std::optional<BucketIdentity> identity(const CallContext& context) override {
    return inner_.identity(context);
  }
  std::string give_identity(const CallContext& context) override {
    return inner_.give_identity(context);
  }
  BucketInfo describe_bucket(const CallContext& context) override {
    return calls_.run_safe(context, [&](int) { return inner_.describe_bucket(context); });
  }

  PutResult put(const PutRequest& request, ByteSource& source,
                const CallContext& context) override;
  DeleteResult remove(const DeleteRequest& request, const CallContext& context) override;
  std::vector<DeleteResult> remove_many(std::span<const DeleteRequest> requests,
                                        const CallContext& context) override;
  PutResult copy(const CopyRequest& request, const CallContext& context) override;

 private:
  std::vector<DeleteResult> remove_batch(std::span<const DeleteRequest> batch,
                                         bool doubtful, const CallContext& context);
  // Before a write or delete is sent again: nothing where it still would replace or
  // remove what was seen.
  std::optional<PutResult> settled_before(const PutRequest& request, ByteSource& source,
                                          std::int64_t begun_ns,
                                          const CallContext& context);
  std::optional<DeleteResult> settled_before(const DeleteRequest& request,
                                             const CallContext& context);
  DeleteResult remove_again(const DeleteRequest& request, const CallContext& context);
  // A delete that was refused after its answer may have been lost.
  DeleteResult settle(const DeleteRequest& request, DeleteResult result,
                      const CallContext& context);
  PutResult settle(const CopyRequest& request, PutResult result,
                   const CallContext& context);

  ObjectStore& inner_;
  RetryCalls calls_;
  std::optional<RetryingUploads> uploads_;
};

// The first one may have done its work, and somebody may have put the content of before
// back since: its token is again the one of the condition. Only the time tells, and where
// it does not tell surely the caller looks at the key anew.
std::optional<PutResult> RetryingStore::settled_before(const PutRequest& request,
                                                       ByteSource& source,
                                                       std::int64_t begun_ns,
                                                       const CallContext& context) {
  const bool recurs = request.condition.if_match && inner_.capabilities().tokens_recur;
  if (!recurs || is_own_key(request.key)) return std::nullopt;
  const auto offset_ns = inner_.clock_offset_ns();
  const auto now = inner_.head(request.key, context);
  if (!now) return std::nullopt;
  if (holds_put(*now, request, source)) return recovered_result(*now);
  source.rewind();
  if (!offset_ns || now->last_modified_ns < begun_ns + *offset_ns - kUnsureNs)
    return std::nullopt;
  PutResult rewritten;
  rewritten.outcome = Outcome::kPreconditionFailed;
  return rewritten;
}

PutResult RetryingStore::put(const PutRequest& request, ByteSource& source,
                             const CallContext& context) {
  const std::int64_t begun_ns = calls_.now_ns();
  bool doubtful = false;
  return calls_.run(idempotency_of(request), context, [&](int attempt) {
    if (attempt > 1) source.rewind();
    if (doubtful) {
      if (auto settled = settled_before(request, source, begun_ns, context))
        return *settled;
    }
    const auto recovered = [&]() -> std::optional<PutResult> {
      const auto now = inner_.head(request.key, context);
      if (!now || !holds_put(*now, request, source)) return std::nullopt;
      return recovered_result(*now);
    };
    try {
      PutResult result = inner_.put(request, source, context);
      if (result.outcome == Outcome::kOk || attempt == 1) return result;
      return recovered().value_or(result);
    } catch (const Error& error) {
      doubtful = doubtful || error.code() != ErrorCode::kThrottled;
      if (!is_unreadable_answer(error)) throw;
      if (const auto result = recovered()) return *result;
      throw;
    }
  });
}

DeleteResult RetryingStore::settle(const DeleteRequest& request, DeleteResult result,
                                   const CallContext& context) {
  if (result.error || result.outcome == Outcome::kOk) return result;
  if (!inner_.head(request.key, context)) result.outcome = Outcome::kOk;
  return result;
}

DeleteResult RetryingStore::remove(const DeleteRequest& request,
                                   const CallContext& context) {
  return calls_.run(idempotency_of(request), context, [&](int attempt) {
    return attempt == 1 ? inner_.remove(request, context)
                        : remove_again(request, context);
  });
}

DeleteResult RetryingStore::remove_again(const DeleteRequest& request,
                                         const CallContext& context) {
  if (auto settled = settled_before(request, context)) return *settled;
  return settle(request, inner_.remove(request, context), context);
}

// The first one may have done its work, and somebody may have written the same content
// again since: the condition alone would let the second one remove that.
std::optional<DeleteResult> RetryingStore::settled_before(const DeleteRequest& request,
                                                          const CallContext& context) {
  const bool recurs = request.if_match && inner_.capabilities().tokens_recur;
  if (!recurs || is_own_key(request.key)) return std::nullopt;
  const auto now = inner_.head(request.key, context);
  if (!now) return DeleteResult{};
  if (is_version_seen(*now, request)) return std::nullopt;
  return DeleteResult{Outcome::kPreconditionFailed, {}};
}

PutResult RetryingStore::settle(const CopyRequest& request, PutResult result,
                                const CallContext& context) {
  if (result.outcome == Outcome::kOk) return result;
  const auto destination = inner_.head(request.destination, context);
  const auto source = destination ? inner_.head(request.source, context) : std::nullopt;
  const bool same_source =
      source && (!request.source_if_match || source->token == *request.source_if_match);
  const bool done = same_source && holds_copy(*destination, *source);
  return done ? recovered_result(*destination) : result;
}

PutResult RetryingStore::copy(const CopyRequest& request, const CallContext& context) {
  const bool guarded =
      request.condition.any() && inner_.capabilities().conditional_copy_destination;
  const auto idempotency = safe_if(guarded || is_own_key(request.destination));
  return calls_.run(idempotency, context, [&](int attempt) {
    PutResult result;
    try {
      result = inner_.copy(request, context);
      if (attempt == 1) return result;
    } catch (const Error& error) {
      if (!is_unreadable_answer(error)) throw;
      result.outcome = Outcome::kPreconditionFailed;
      result = settle(request, std::move(result), context);
      if (result.outcome == Outcome::kOk) return result;
      throw;
    }
    return settle(request, std::move(result), context);
  });
}

// The keys of a batch that have no final answer yet.
class OpenKeys {
 public:
  explicit OpenKeys(std::span<const DeleteRequest> requests)
      : requests_(requests), results_(requests.size()), open_(requests.size()) {
    std::iota(open_.begin(), open_.end(), std::size_t{0});
  }

  std::vector<DeleteRequest> batch() const {
    std::vector<DeleteRequest> batch;
    for (const std::size_t i : open_) batch.push_back(requests_[i]);
    return batch;
  }
  // Takes the answers to batch(); what stays open may be repeated.
  void take(std::vector<DeleteResult> answers) {
    std::vector<std::size_t> again;
    for (std::size_t k = 0; k < open_.size(); ++k) {
      const std::size_t i = open_[k];
      results_[i] = std::move(answers[k]);
      if (results_[i].error && may_repeat(requests_[i], *results_[i].error))
        again.push_back(i);
    }
    open_ = std::move(again);
    answered_ = true;
  }
  void give_up(const Error& error) {
    for (const std::size_t i : open_) results_[i].error = error;
  }
  // Of the whole request: no key told what became of it.
  bool may_repeat_all(const Error& error) const {
    return std::all_of(open_.begin(), open_.end(),
                       [&](std::size_t i) { return may_repeat(requests_[i], error); });
  }
  bool answered() const { return answered_; }
  const Error* pending() const {
    return open_.empty() ? nullptr : &*results_[open_.front()].error;
  }
  std::vector<DeleteResult> results() { return std::move(results_); }

 private:
  std::span<const DeleteRequest> requests_;
  std::vector<DeleteResult> results_;
  std::vector<std::size_t> open_;
  bool answered_ = false;
};

std::vector<DeleteResult> RetryingStore::remove_batch(
    std::span<const DeleteRequest> batch, bool doubtful, const CallContext& context) {
  if (!doubtful) return inner_.remove_many(batch, context);
  std::vector<DeleteResult> results(batch.size());
  std::vector<DeleteRequest> again;
  std::vector<std::size_t> places;
  for (std::size_t k = 0; k < batch.size(); ++k) {
    if (auto settled = settled_before(batch[k], context)) {
      results[k] = std::move(*settled);
    } else {
      again.push_back(batch[k]);
      places.push_back(k);
    }
  }
  if (again.empty()) return results;
  std::vector<DeleteResult> answers = inner_.remove_many(again, context);
  for (std::size_t k = 0; k < answers.size(); ++k) {
    results[places[k]] = settle(again[k], std::move(answers[k]), context);
  }
  return results;
}

std::vector<DeleteResult> RetryingStore::remove_many(
    std::span<const DeleteRequest> requests, const CallContext& context) {
  OpenKeys keys(requests);
  const auto attempt_open = [&](int attempt) {
    try {
      keys.take(remove_batch(keys.batch(), attempt > 1, context));
    } catch (const Error& error) {
      if (keys.may_repeat_all(error)) throw;
      throw Error(error).with_retryable(false);
    }
    if (const Error* pending = keys.pending()) throw *pending;
  };
  try {
    calls_.run_safe(context, attempt_open);
  } catch (const Error& error) {
    if (!keys.answered()) throw;
    keys.give_up(error);
  }
  return keys.results();
}

}  // namespace

RetryCalls::RetryCalls(const base::RetryPolicy& policy,
                       base::RetryEnvironment environment, RetryObserver observer)
    : policy_(policy),
      environment_{environment.clock, environment.random,
                   [outer = std::move(environment.on_retry),
                    observed = std::move(observer.on_retry)](
                       const Error& error, int attempt, std::chrono::milliseconds wait) {
                     if (outer) outer(error, attempt, wait);
                     if (observed) observed(error, attempt, wait);
                   }},
      on_throttled_(std::move(observer.on_throttled)) {}

bool is_own_key(const ObjectKey& key) {
  return key.value.starts_with(".cloudsync/") ||
         key.value.find("/.cloudsync/") != std::string::npos;
}

std::unique_ptr<ObjectStore> make_retrying_store(ObjectStore& inner,
                                                 const base::RetryPolicy& policy,
                                                 base::RetryEnvironment environment,
                                                 RetryObserver observer) {
  return std::make_unique<RetryingStore>(
      inner, RetryCalls(policy, std::move(environment), std::move(observer)));
}

}  // namespace cloudsync::storage

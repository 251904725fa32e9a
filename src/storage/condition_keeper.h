// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <string>

#include "storage/decorators.h"
#include "storage/server_helps.h"

namespace cloudsync::storage {

// What holds of a key now, against a precondition.
Outcome check_condition(const std::optional<ObjectInfo>& now,
                        const Precondition& condition);

// 400, 404, 405 and 501: the server does not know what it was asked.
bool is_unknown_there(const Error& error);

// Keeps the precondition of one kind of write as far as the server is known to: one that
// is honoured travels in the request; any other is looked at first, and sent along as
// long as the server does not refuse to hear it. What an answer teaches is passed on at
// once and holds from then on. Thread-safe.
class ConditionKeeper {
 public:
  ConditionKeeper(std::string feature, Support support, ObjectStore& store,
                  const GuardOptions& options)
      : feature_(std::move(feature)),
        support_(support),
        store_(store),
        options_(options) {}

  Support support() const { return support_.load(std::memory_order_relaxed); }

  // send(condition) writes once; it is called again only after an answer that stored
  // nothing.
  template <class Send>
  PutResult write(const ObjectKey& key, const Precondition& condition,
                  const CallContext& context, Send&& send) {
    if (!condition.any()) return send(condition);
    if (support() == Support::kHonoured) {
      try {
        const PutResult result = send(condition);
        return is_doubtful(result, condition) ? settle_creation(key, context, send)
                                              : result;
      } catch (const Error& error) {
        if (!contradicts(error)) throw;
      }
    }
    return look_and_write(key, condition, context, send);
  }

  // The same for a deletion: an object that is gone is what was wanted.
  DeleteResult remove(const DeleteRequest& request, const CallContext& context);

 private:
  template <class Send>
  PutResult look_and_write(const ObjectKey& key, const Precondition& condition,
                           const CallContext& context, Send&& send) {
    PutResult result;
    result.outcome = check_condition(store_.head(key, context), condition);
    if (result.outcome != Outcome::kOk) return result;
    if (support() == Support::kRefused) return send(Precondition{});
    try {
      result = send(condition);
      note_kept(result.outcome);
      return is_doubtful(result, condition) ? settle_creation(key, context, send)
                                            : result;
    } catch (const Error& error) {
      if (!refuses_to_hear(error)) throw;
    }
    result.outcome = check_condition(store_.head(key, context), condition);
    return result.outcome == Outcome::kOk ? send(Precondition{}) : result;
  }

  // A refused creation where a look finds nothing: twice is no coincidence. The server
  // takes a delete marker for an object (versitygw, where AWS creates). It compares
  // conditions with the version below the marker then, which is as good a guard.
  template <class Send>
  PutResult settle_creation(const ObjectKey& key, const CallContext& context,
                            Send&& send) {
    const Precondition absent{{}, true};
    PutResult result;
    result.outcome = Outcome::kPreconditionFailed;
    for (int look = 0; look < 2; ++look) {
      if (store_.head(key, context)) return result;
      if (look == 0) result = send(absent);
      if (result.outcome != Outcome::kPreconditionFailed) return result;
    }
    ServerHelps* helps = helps_of(store_);
    const auto below = helps ? helps->token_below_marker(key, context) : std::nullopt;
    if (below) {
      result = send(Precondition{below, false});
      if (result.outcome == Outcome::kOk || store_.head(key, context)) return result;
    }
    require_look_instead(key);
    return send(Precondition{});
  }

  bool is_doubtful(const PutResult& result, const Precondition& condition) const {
    return options_.doubts_refusals && condition.if_absent &&
           result.outcome == Outcome::kPreconditionFailed;
  }
  // What is known was wrong; from now on it is looked at first.
  bool contradicts(const Error& error);
  bool refuses_to_hear(const Error& error);
  void note_kept(Outcome outcome);
  void require_look_instead(const ObjectKey& key);
  void learn(Support now, const std::string& words);

  const std::string feature_;
  std::atomic<Support> support_;
  ObjectStore& store_;
  const GuardOptions& options_;
  std::atomic<bool> told_marker_ = false;
};

}  // namespace cloudsync::storage

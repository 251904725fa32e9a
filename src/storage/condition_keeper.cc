// SPDX-License-Identifier: Apache-2.0
#include "storage/condition_keeper.h"

#include "base/encoding.h"
#include "base/log.h"

namespace cloudsync::storage {

Outcome check_condition(const std::optional<ObjectInfo>& now,
                        const Precondition& condition) {
  if (condition.if_absent && now) return Outcome::kPreconditionFailed;
  const bool mismatch = condition.if_match && (!now || now->token != *condition.if_match);
  return mismatch ? Outcome::kPreconditionFailed : Outcome::kOk;
}

bool is_unknown_there(const Error& error) {
  switch (error.detail().http_status) {
    case 400:
      return error.code() == ErrorCode::kInvalidArgument ||
             error.code() == ErrorCode::kUnsupported;
    case 404:
      return error.code() != ErrorCode::kNotFound;
    case 405:
    case 501:
      return true;
    default:
      return false;
  }
}

void ConditionKeeper::learn(Support now, const std::string& words) {
  if (support_.exchange(now) == now) return;
  if (options_.on_learnt) options_.on_learnt(feature_, now, words);
}

// A 400 may be about anything else in the request, and was not seen when this was learnt.
bool ConditionKeeper::contradicts(const Error& error) {
  const int status = error.detail().http_status;
  if (status != 405 && status != 501) return false;
  learn(Support::kUnknown, error.what());
  return options_.may_look_instead;
}

bool ConditionKeeper::refuses_to_hear(const Error& error) {
  if (!options_.may_look_instead || !is_unknown_there(error)) return false;
  learn(Support::kRefused, error.what());
  return true;
}

// Refused by a condition that was said to be without effect: the server has learnt it.
void ConditionKeeper::note_kept(Outcome outcome) {
  if (outcome == Outcome::kPreconditionFailed && support() == Support::kIgnored)
    learn(Support::kUnknown, "a condition was kept that had been ignored");
}

void ConditionKeeper::require_look_instead(const ObjectKey& key) {
  if (!options_.may_look_instead) {
    throw Error(ErrorCode::kInvalidArgument,
                "'" + base::printable(key.value) + "' in " + store_.describe() +
                    ": the server refuses to create this key although nothing is there, "
                    "as some do where only a delete marker is left; "
                    "require_conditional_writes forbids to write without a condition: "
                    "remove the marker, or unset it");
  }
  if (told_marker_.exchange(true)) return;
  base::log().warn(
      "{} refuses to create keys where nothing is, as some servers do where only a "
      "delete "
      "marker is left; such keys are written after two looks, without a condition",
      store_.describe());
}

DeleteResult ConditionKeeper::remove(const DeleteRequest& request,
                                     const CallContext& context) {
  if (!request.if_match) return store_.remove(request, context);
  if (support() == Support::kHonoured) {
    try {
      return store_.remove(request, context);
    } catch (const Error& error) {
      if (!contradicts(error)) throw;
    }
  }
  const auto look = [&]() -> std::optional<DeleteResult> {
    const auto now = store_.head(request.key, context);
    if (!now) return DeleteResult{};
    if (now->token != *request.if_match)
      return DeleteResult{Outcome::kPreconditionFailed, {}};
    return std::nullopt;
  };
  if (const auto settled = look()) return *settled;
  if (support() == Support::kRefused) return store_.remove({request.key, {}}, context);
  try {
    DeleteResult result = store_.remove(request, context);
    note_kept(result.outcome);
    return result;
  } catch (const Error& error) {
    if (!refuses_to_hear(error)) throw;
  }
  if (const auto settled = look()) return *settled;
  return store_.remove({request.key, {}}, context);
}

}  // namespace cloudsync::storage

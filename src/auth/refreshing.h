// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/call_context.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/time_format.h"
#include "base/time_range.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {

// How long before its end a credential is renewed. Within `advisory` one caller tries
// while the others go on with the old one; within `mandatory` everybody waits for the new
// one. A credential that lives shorter than four times a window shrinks the window to a
// quarter of its life.
struct RefreshWindows {
  std::chrono::seconds advisory{900};
  std::chrono::seconds mandatory{600};
};

// Keeps one credential (a copyable value with `expires_ns`, comparable by ==) fresh.
// Thread-safe, single flight: at most one `load` runs at a time, and who waited for one
// that failed gets its error instead of trying again. A failed renewal of a credential
// that is still valid is a warning and is tried again after `kPause`. Requests in flight
// fail together: a refusal by the source, or the same credential given again after the
// service refused it, is the answer for all who ask within `kHerd`.
template <class Credential>
class Refreshing {
 public:
  using Load = std::function<Credential(const CallContext&)>;

  explicit Refreshing(Load load, RefreshWindows windows = {},
                      const base::Clock& clock = base::system_clock())
      : load_(std::move(load)), windows_(windows), clock_(clock) {}

  // Throws what `load` throws when no valid credential is left, kCancelled when the
  // context stops while another caller's load is awaited.
  Credential get(const CallContext& context) {
    std::unique_lock lock(mutex_);
    const Age age = age_now();
    if (age == Age::kFresh) return *value_;
    if (age == Age::kGone && !loading_ && is_soon_after(refused_ns_)) throw *failure_;
    if (age == Age::kAging && (loading_ || clock_.now_ns() < next_try_ns_))
      return *value_;
    if (!loading_) return load(lock, context);
    return await_other(lock, context);
  }

  // Forgets the credential the service refused. False when a newer one is here already
  // or the source has just given this one again.
  bool invalidate(const Credential& refused) {
    const std::lock_guard lock(mutex_);
    if (!value_ || !(*value_ == refused)) return false;
    if (is_soon_after(repeated_ns_)) return false;
    refused_ = std::move(value_);
    value_.reset();
    return true;
  }

 private:
  enum class Age { kFresh, kAging, kDue, kGone };
  static constexpr std::int64_t kSecond = 1'000'000'000;
  static constexpr std::int64_t kPause = 60 * kSecond;
  static constexpr std::int64_t kHerd = 5 * kSecond;

  // The clock may be set back meanwhile.
  bool is_soon_after(const std::optional<std::int64_t>& time_ns) const {
    if (!time_ns) return false;
    const std::int64_t passed = clock_.now_ns() - *time_ns;
    return passed >= 0 && passed < kHerd;
  }

  Age age_now() const {
    if (!value_) return Age::kGone;
    if (!value_->expires_ns) return Age::kFresh;
    const std::int64_t left = base::time_difference(*value_->expires_ns, clock_.now_ns());
    if (left <= 0) return Age::kGone;
    if (left <= window(windows_.mandatory)) {
      // Asked for a moment ago and not given: until the end the old one is good enough.
      return clock_.now_ns() < next_try_ns_ ? Age::kAging : Age::kDue;
    }
    return left <= window(windows_.advisory) ? Age::kAging : Age::kFresh;
  }

  std::int64_t window(std::chrono::seconds wanted) const {
    const std::int64_t life = base::time_difference(*value_->expires_ns, loaded_ns_);
    return std::min<std::int64_t>(wanted.count() * kSecond, life / 4);
  }

  using Outcome = std::variant<Credential, Error>;

  Credential load(std::unique_lock<std::mutex>& lock, const CallContext& context) {
    loading_ = true;
    lock.unlock();
    Outcome outcome = attempt(context);
    lock.lock();
    loading_ = false;
    ++generation_;
    changed_.notify_all();
    if (auto* fresh = std::get_if<Credential>(&outcome)) return keep(std::move(*fresh));
    return go_on_after(std::get<Error>(outcome), lock, context);
  }

  Outcome attempt(const CallContext& context) const {
    try {
      Credential fresh = load_(context);
      const std::int64_t now = clock_.now_ns();
      if (!fresh.expires_ns || *fresh.expires_ns > now) return fresh;
      return Error(ErrorCode::kUnauthenticated,
                   "the new credentials were over when they came: they ended at " +
                       base::format_rfc3339(*fresh.expires_ns / kSecond * kSecond) +
                       ", and this machine's clock says " +
                       base::format_rfc3339(now / kSecond * kSecond));
    } catch (const Error& error) {
      return error;
    } catch (const std::exception& error) {
      // Whatever it is, the others must not wait for ever.
      return Error(ErrorCode::kInternal,
                   std::string("loading the credentials failed: ") + error.what());
    }
  }

  Credential keep(Credential fresh) {
    value_ = std::move(fresh);
    loaded_ns_ = clock_.now_ns();
    next_try_ns_ = 0;
    failure_.reset();
    refused_ns_.reset();
    repeated_ns_.reset();
    if (refused_ && *refused_ == *value_) repeated_ns_ = loaded_ns_;
    return *value_;
  }

  Credential go_on_after(const Error& failure, std::unique_lock<std::mutex>& lock,
                         const CallContext& context) {
    failure_ = failure;
    failure_is_own_ = is_own(failure, context);
    refused_ns_.reset();
    const bool refused = failure.code() == ErrorCode::kUnauthenticated;
    if (refused) refused_ns_ = clock_.now_ns();
    if (failure_is_own_ || age_now() == Age::kGone) throw failure;
    next_try_ns_ = clock_.now_ns() + kPause;
    const Credential old = *value_;
    lock.unlock();
    base::log().warn("credentials could not be renewed yet: {}", failure.what());
    return old;
  }

  // Stopped or out of time by its caller, which says nothing of the credentials.
  static bool is_own(const Error& failure, const CallContext& context) {
    if (failure.code() == ErrorCode::kCancelled) return true;
    return failure.code() == ErrorCode::kDeadlineExceeded && context.deadline &&
           std::chrono::steady_clock::now() >= *context.deadline;
  }

  Credential await_other(std::unique_lock<std::mutex>& lock, const CallContext& context) {
    const std::uint64_t before = generation_;
    const auto ended = [&] { return generation_ != before; };
    const bool in_time = context.deadline ? changed_.wait_until(lock, context.stop,
                                                                *context.deadline, ended)
                                          : changed_.wait(lock, context.stop, ended);
    context.throw_if_stopped();
    if (!in_time) {
      throw Error(ErrorCode::kDeadlineExceeded, "the credentials did not come in time");
    }
    if (age_now() != Age::kGone) return *value_;
    // The other caller was stopped, not refused: this one has to try for itself.
    if (failure_ && !failure_is_own_) throw *failure_;
    return loading_ ? await_other(lock, context) : load(lock, context);
  }

  const Load load_;
  const RefreshWindows windows_;
  const base::Clock& clock_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<Credential> value_;          // this and the following: guarded by mutex_
  std::optional<Credential> refused_;        // by the service, the last one
  std::optional<Error> failure_;             // of the last load; nothing = it succeeded
  bool failure_is_own_ = false;              // of the caller that loaded
  std::optional<std::int64_t> refused_ns_;   // when the source refused for good
  std::optional<std::int64_t> repeated_ns_;  // when the source gave refused_ again
  std::int64_t loaded_ns_ = 0;
  std::int64_t next_try_ns_ = 0;
  std::uint64_t generation_ = 0;  // of loads that ended
  bool loading_ = false;
};

}  // namespace cloudsync::auth

// SPDX-License-Identifier: Apache-2.0
#include "base/retry.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

namespace cloudsync::base {
namespace {

constexpr std::chrono::milliseconds kMostRetryAfter = std::chrono::minutes(10);

std::chrono::milliseconds backoff_cap(const RetryPolicy& policy, int n) {
  std::chrono::milliseconds cap = policy.delay;
  for (int i = 1; i < n && cap < policy.max_delay; ++i) cap *= 2;
  return std::min(cap, policy.max_delay);
}

// Throttling is a refusal: the service did not execute the request, so even one that must
// not run twice may be sent again. Any other failure may have hidden a success.
bool may_resend(Idempotency idempotency, const Error& error) {
  return idempotency == Idempotency::kSafe || error.code() == ErrorCode::kThrottled;
}

}  // namespace

std::chrono::milliseconds backoff(const RetryPolicy& policy, int n, const Error& error,
                                  Random& random) {
  const auto& retry_after = error.detail().retry_after;
  // A server's word wins over the policy, but a run does not wait for hours on it.
  if (retry_after && retry_after->count() > 0)
    return std::min(*retry_after, kMostRetryAfter);
  const auto cap = std::max(backoff_cap(policy, n), std::chrono::milliseconds(0));
  return std::chrono::milliseconds(random.below(static_cast<std::uint64_t>(cap.count())));
}

std::optional<std::chrono::milliseconds> next_wait(const RetryPolicy& policy,
                                                   Idempotency idempotency,
                                                   const CallContext& context,
                                                   int attempt, const Error& error,
                                                   const RetryEnvironment& environment) {
  if (!error.retryable() || attempt > policy.retries) return std::nullopt;
  if (!may_resend(idempotency, error)) return std::nullopt;
  const auto wait = backoff(policy, attempt, error, environment.random);
  // Compared as "time left", so that a Retry-After of any size cannot overflow the sum.
  if (context.deadline && *context.deadline - environment.clock.steady_now() <= wait) {
    return std::nullopt;
  }
  return wait;
}

void throw_final(const Error& error, int attempts, std::chrono::milliseconds elapsed) {
  if (attempts <= 1) throw error;
  const std::string message =
      fmt::format("{} (gave up after {} attempts in {:.1f} s)", error.what(), attempts,
                  std::chrono::duration<double>(elapsed).count());
  throw Error(error.code(), message, error.detail()).with_retryable(error.retryable());
}

}  // namespace cloudsync::base

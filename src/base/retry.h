// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string_view>

#include "base/call_context.h"
#include "base/clock.h"
#include "base/random.h"
#include "cloudsync/error.h"

namespace cloudsync::base {

struct RetryPolicy {
  int retries = 3;                              // after the first try
  std::chrono::milliseconds delay{5000};        // cap of the first wait
  std::chrono::milliseconds max_delay{60000};   // cap of any wait; Retry-After may exceed it
};

// May a request whose answer was lost be sent again? Decided from the request's own precondition.
enum class Idempotency { kSafe, kUnsafe };

// What the loop needs from the world, and whom it tells before each wait.
struct RetryEnvironment {
  const Clock& clock = system_clock();
  Random& random = system_random();
  std::function<void(const Error&, int attempt, std::chrono::milliseconds wait)> on_retry;
};

// The wait before retry `n` (1-based): uniform in [0, delay * 2^(n-1)), at most max_delay; a
// Retry-After of the error wins.
std::chrono::milliseconds backoff(const RetryPolicy& policy, int n, const Error& error,
                                  Random& random);

// Decides after attempt `attempt` (1-based) failed with `error`: returns the wait, or nothing when
// the error is final (permanent, not idempotent, budget used up, deadline before the wait ends).
std::optional<std::chrono::milliseconds> next_wait(const RetryPolicy& policy,
                                                   Idempotency idempotency,
                                                   const CallContext& context, int attempt,
                                                   const Error& error,
                                                   const RetryEnvironment& environment);

// Rethrows `error` with how the loop ended ("gave up after 4 attempts in 12.3 s").
[[noreturn]] void throw_final(const Error& error, int attempts,
                              std::chrono::milliseconds elapsed);

// The only loop in the program that sleeps between attempts. Calls fn(attempt) with attempt = 1, 2,
// ... until it returns; throws the last Error when no retry is left or allowed.
template <class Fn>
auto retry_loop(const RetryPolicy& policy, Idempotency idempotency, const CallContext& context,
                const RetryEnvironment& environment, Fn&& fn) -> decltype(fn(1)) {
  const auto start = environment.clock.steady_now();
  for (int attempt = 1;; ++attempt) {
    context.throw_if_stopped();
    std::chrono::milliseconds wait{};
    try {
      return fn(attempt);
    } catch (const Error& error) {
      const auto next = next_wait(policy, idempotency, context, attempt, error, environment);
      if (!next) {
        const auto elapsed = environment.clock.steady_now() - start;
        throw_final(error, attempt,
                    std::chrono::duration_cast<std::chrono::milliseconds>(elapsed));
      }
      context.throw_if_stopped();
      wait = *next;
      if (environment.on_retry) environment.on_retry(error, attempt, wait);
    }
    environment.clock.sleep_for(wait, context.stop);
  }
}

}  // namespace cloudsync::base

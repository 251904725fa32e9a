// SPDX-License-Identifier: Apache-2.0
#include "base/concurrency_controller.h"

#include <algorithm>
#include <utility>

namespace cloudsync::base {
namespace {

using std::chrono::milliseconds;

constexpr double kWorthwhileGain = 1.05;
// Twice as many are worth it from here on.
constexpr double kWorthwhileDoubling = 1.1;
// One slow moment of the machine is no end of the climb.
constexpr int kMostStrikes = 2;
// A request costs about as much as this many bytes, so that one number serves small files
// (bound by requests) and large ones (bound by bytes).
constexpr double kRequestWeight = 64.0 * 1024;
// Completions that make a window trustworthy, as a multiple of the limit.
constexpr std::uint64_t kRequestsPerSlot = 2;
// Above this multiple the requests left over from the previous limit no longer matter.
constexpr std::uint64_t kSettledPerSlot = 8;
// Large parts on a slow line: judge what there is after this time.
constexpr milliseconds kLongestWindow{2000};
constexpr milliseconds kShortestWindow{40};
constexpr milliseconds kFirstProbe{500};
constexpr milliseconds kRarestProbe{30000};
constexpr double kSmoothing = 0.3;
constexpr milliseconds kOneRefusal{200};
constexpr milliseconds kRecoveryStep{200};
constexpr std::size_t kRecoverySteps = 32;  // from nothing to the whole number

ConcurrencyController::Options sane(ConcurrencyController::Options options) {
  options.minimum = std::max<std::size_t>(options.minimum, 1);
  options.maximum = std::max(options.maximum, options.minimum);
  // A configured number is never lowered by the range meant for the search.
  if (options.fixed) options.maximum = std::max(options.maximum, options.initial);
  options.initial = std::clamp(options.initial, options.minimum, options.maximum);
  return options;
}

}  // namespace

ConcurrencyController::ConcurrencyController(Options options)
    : options_(sane(options)),
      phase_(options_.fixed ? Phase::kHolding : Phase::kClimbing),
      limit_(options_.initial),
      highest_(options_.initial),
      best_limit_(options_.initial),
      recover_to_(options_.initial),
      probe_interval_(kFirstProbe) {}

void ConcurrencyController::on_completed(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  ++window_.requests;
  window_.bytes += bytes;
}

void ConcurrencyController::on_throttled() {
  const std::lock_guard lock(mutex_);
  ++refusals_;
  if (deaf_.count() > 0) return;
  deaf_ = kOneRefusal;
  since_step_ = {};
  recover_to_ =
      options_.fixed ? options_.initial : std::max(limit_ - 1, options_.minimum);
  phase_ = Phase::kRecovering;
  change_limit(std::max(limit_ / 2, options_.minimum));
}

std::size_t ConcurrencyController::tick(milliseconds elapsed, bool busy) {
  const std::lock_guard lock(mutex_);
  window_.elapsed += elapsed;
  ++window_.ticks;
  window_.busy_ticks += busy ? 1 : 0;
  if (deaf_.count() > 0) {
    deaf_ -= elapsed;
    window_ = {};
  } else if (phase_ == Phase::kRecovering) {
    recover(elapsed);
  } else if (!options_.fixed && settled() && window_complete()) {
    if (window_was_busy())
      judge();
    else
      window_ = {};
  }
  return limit_;
}

ConcurrencyController::Report ConcurrencyController::report() const {
  const std::lock_guard lock(mutex_);
  return {.highest = highest_, .current = limit_, .throttled = refusals_};
}

std::size_t ConcurrencyController::current() const {
  const std::lock_guard lock(mutex_);
  return limit_;
}

void ConcurrencyController::change_limit(std::size_t limit) {
  settling_ = limit != limit_;
  limit_ = limit;
  highest_ = std::max(highest_, limit);
  window_ = {};
}

// Requests in flight at a change began under the old limit and say nothing about the new
// one.
bool ConcurrencyController::settled() {
  if (!settling_) return true;
  const bool drowned = window_.requests >= kSettledPerSlot * limit_;
  if (!drowned && window_.requests < limit_ && window_.elapsed < kLongestWindow)
    return false;
  settling_ = false;
  if (!drowned) window_ = {};
  return drowned;
}

bool ConcurrencyController::window_complete() const {
  if (window_.requests == 0 || window_.elapsed < kShortestWindow) return false;
  return window_.requests >= kRequestsPerSlot * limit_ ||
         window_.elapsed >= kLongestWindow;
}

bool ConcurrencyController::window_was_busy() const {
  return window_.busy_ticks * 2 >= window_.ticks;
}

double ConcurrencyController::window_score() const {
  const double work = static_cast<double>(window_.bytes) +
                      static_cast<double>(window_.requests) * kRequestWeight;
  return work / static_cast<double>(window_.elapsed.count());
}

void ConcurrencyController::judge() {
  const double score = window_score();
  switch (phase_) {
    case Phase::kClimbing:
      return judge_climb(score);
    case Phase::kHolding:
      return judge_hold(score);
    case Phase::kProbing:
      return judge_probe(score);
    case Phase::kRecovering:
      return;
  }
}

void ConcurrencyController::judge_climb(double score) {
  if (score > best_score_ * kWorthwhileDoubling) {
    best_score_ = score;
    best_limit_ = limit_;
    strikes_ = 0;
  } else if (++strikes_ == kMostStrikes) {
    return hold(best_limit_);
  }
  if (limit_ == options_.maximum) return hold(best_limit_);
  change_limit(std::min(limit_ * 2, options_.maximum));
}

void ConcurrencyController::judge_hold(double score) {
  best_score_ =
      best_score_ == 0 ? score : best_score_ + kSmoothing * (score - best_score_);
  held_ += window_.elapsed;
  window_ = {};
  if (held_ < probe_interval_ || limit_ == options_.maximum) return;
  best_limit_ = limit_;
  phase_ = Phase::kProbing;
  change_limit(std::min(limit_ + std::max<std::size_t>(limit_ / 4, 1), options_.maximum));
}

void ConcurrencyController::judge_probe(double score) {
  if (score > best_score_ * kWorthwhileGain) {
    probe_interval_ = kFirstProbe;
    phase_ = Phase::kClimbing;
    best_score_ = score;
    best_limit_ = limit_;
    if (limit_ == options_.maximum) return hold(limit_);
    return change_limit(std::min(limit_ * 2, options_.maximum));
  }
  probe_interval_ = std::min(probe_interval_ * 2, kRarestProbe);
  hold(best_limit_);
}

void ConcurrencyController::hold(std::size_t limit) {
  phase_ = Phase::kHolding;
  strikes_ = 0;
  held_ = {};
  change_limit(limit);
}

void ConcurrencyController::recover(milliseconds elapsed) {
  since_step_ += elapsed;
  if (limit_ < recover_to_) {
    if (window_.requests == 0 || since_step_ < kRecoveryStep) return;
    since_step_ = {};
    const std::size_t step = std::max<std::size_t>(recover_to_ / kRecoverySteps, 1);
    change_limit(std::min(limit_ + step, recover_to_));
  }
  if (limit_ < recover_to_) return;
  best_score_ = 0;
  best_limit_ = limit_;
  probe_interval_ = kFirstProbe;
  hold(limit_);
}

}  // namespace cloudsync::base

// SPDX-License-Identifier: Apache-2.0
#include "sync/guard/rewrites.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace cloudsync::sync {

namespace {

constexpr std::uint64_t kRemarkable = 100;

std::uint64_t allowed(const MaxDelete& limit, std::uint64_t base_rows) {
  if (!limit.is_percent) return static_cast<std::uint64_t>(limit.value);
  return static_cast<std::uint64_t>(limit.value * static_cast<double>(base_rows) / 100);
}

std::string_view where(Side side) {
  return side == Side::kLocal ? "in the local directory" : "in the bucket";
}

std::string limit_text(const MaxDelete& limit) {
  return fmt::format("{:g}{}", limit.value, limit.is_percent ? " %" : "");
}

}  // namespace

void Rewrites::expect(std::uint64_t base_rows) {
  const std::lock_guard lock(mutex_);
  // Two sides may each stay below the limit.
  most_waiting_ = limit_ ? 2 * allowed(*limit_, base_rows) : 0;
}

bool Rewrites::wait_for_plan(Side by, const std::string& key) {
  const std::lock_guard lock(mutex_);
  if (released_) return false;
  ++of(by);
  if (!limit_) return false;
  if (waiting_.size() <= most_waiting_) waiting_.push_back(key);
  return true;
}

void Rewrites::compare_again() {
  const std::lock_guard lock(mutex_);
  if (!limit_ || released_) return;
  local_ = remote_ = 0;
  waiting_.clear();
}

std::vector<std::string> Rewrites::release() {
  const std::lock_guard lock(mutex_);
  released_ = true;
  return std::exchange(waiting_, {});
}

std::optional<Brake> Rewrites::brake(std::uint64_t base_rows) const {
  const std::lock_guard lock(mutex_);
  const Side side = busier();
  const std::uint64_t rewritten = std::max(local_, remote_);
  if (!limit_ || rewritten <= allowed(*limit_, base_rows)) return std::nullopt;
  return Brake{"rewritten",
               fmt::format("{} of {} known files have new content {}; max_rewrite is {}. "
                           "None of them was replaced on the other side, and nothing was "
                           "deleted. Look at some of them; if it is intended, run again "
                           "with `--force rewritten`.",
                           rewritten, base_rows, where(side), limit_text(*limit_))};
}

std::optional<std::string> Rewrites::remark(std::uint64_t base_rows) const {
  const std::lock_guard lock(mutex_);
  const std::uint64_t rewritten = std::max(local_, remote_);
  if (rewritten <= kRemarkable || 2 * rewritten <= base_rows) return std::nullopt;
  const std::string_view kept =
      busier() == Side::kLocal
          ? "their former versions are recoverable only where the bucket keeps versions"
          : "their former versions are in .cloudsync/trash, if trash is on";
  return fmt::format(
      "{} of {} known files had new content {}; {} (max_rewrite stops "
      "such a run)",
      rewritten, base_rows, where(busier()), kept);
}

std::uint64_t Rewrites::count() const {
  const std::lock_guard lock(mutex_);
  return std::max(local_, remote_);
}

}  // namespace cloudsync::sync

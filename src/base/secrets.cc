// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/secret_forms.h"

namespace cloudsync::base {
namespace {

constexpr std::string_view kMask = "***";

// Found by their first four bytes: a text is read once, however many secrets there are,
// and adding one costs the same for the first and the thousandth.
class SecretRegistry {
 public:
  void add(std::string form) {
    if (form.size() < kShortestSecret) return;
    const std::unique_lock lock(mutex_);
    const auto [known, added] = forms_.insert(std::move(form));
    if (added) by_beginning_[beginning_of(*known)].push_back(&*known);
  }

  bool contains(const std::string& form) const {
    const std::shared_lock lock(mutex_);
    return forms_.contains(form);
  }

  std::string redact(std::string_view text) const {
    std::string out;
    std::size_t copied = 0;
    for (const auto& [begin, end] : covered(text)) {
      out.append(text.substr(copied, begin - copied)).append(kMask);
      copied = end;
    }
    return out.append(text.substr(copied));
  }

 private:
  using Range = std::pair<std::size_t, std::size_t>;

  static std::uint32_t beginning_of(std::string_view text) {
    std::uint32_t beginning = 0;
    std::memcpy(&beginning, text.data(), sizeof beginning);
    return beginning;
  }

  // Where secrets stand, in order and merged: two that overlap must not leave the tail of
  // one behind.
  std::vector<Range> covered(std::string_view text) const {
    std::vector<Range> ranges;
    const std::shared_lock lock(mutex_);
    for (std::size_t at = 0; at + kShortestSecret <= text.size(); ++at) {
      const std::size_t end = at + longest_at(text.substr(at));
      if (end == at) continue;
      if (!ranges.empty() && at <= ranges.back().second) {
        ranges.back().second = std::max(ranges.back().second, end);
      } else {
        ranges.emplace_back(at, end);
      }
    }
    return ranges;
  }

  std::size_t longest_at(std::string_view text) const {
    std::size_t longest = 0;
    const auto candidates = by_beginning_.find(beginning_of(text));
    if (candidates == by_beginning_.end()) return 0;
    for (const std::string* form : candidates->second) {
      if (text.starts_with(*form)) longest = std::max(longest, form->size());
    }
    return longest;
  }

  mutable std::shared_mutex mutex_;
  std::unordered_set<std::string> forms_;  // guarded by mutex_, as what follows
  std::unordered_map<std::uint32_t, std::vector<const std::string*>> by_beginning_;
};

SecretRegistry& secrets() {
  static auto& registry = *new SecretRegistry;  // outlives threads that still log at exit
  return registry;
}

}  // namespace

void redact_secret(std::string_view secret) {
  if (secret.size() < kShortestSecret) return;
  if (secrets().contains(std::string(secret))) return;
  for (std::string& form : secret_forms(secret)) secrets().add(std::move(form));
}

std::string redacted(std::string_view text) { return secrets().redact(text); }

}  // namespace cloudsync::base

// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <utility>

#include "sync/scan/remote_listing.h"
#include "sync/scan/utf16_order.h"

namespace cloudsync::sync {
namespace {

// Sorts behind every name by UTF-16 units that is not made for the purpose.
constexpr std::string_view kLastUnit = "\xEF\xBF\xBD";

class Utf16Listing : public RemoteListing {
 public:
  Utf16Listing(storage::ObjectStore& store, const RemoteScanOptions& options,
               std::size_t max_held)
      : prefix_(options.prefix),
        can_jump_(store.capabilities().start_after),
        max_held_(max_held),
        pages_(store, options.prefix, ""),
        classifier_(options, store.capabilities().nested_keys) {}

  bool next(std::vector<RemoteEntry>& batch, const CallContext& context) override {
    while (batch.empty() && !spill_ && read_page(batch, context)) {
    }
    if (batch.empty() && spill_) read_spill(batch, context);
    return !batch.empty();
  }

 private:
  static constexpr std::size_t kBatchEntries = 1000;

  bool next_page(std::vector<storage::ObjectInfo>& objects, const CallContext& context) {
    return !done_ && pages_.next(objects, context);
  }

  bool read_page(std::vector<RemoteEntry>& batch, const CallContext& context) {
    std::vector<storage::ObjectInfo> objects;
    if (!next_page(objects, context)) {
      order_.finish(batch);
      return false;
    }
    batch.reserve(objects.size());
    for (storage::ObjectInfo& object : objects) {
      check(object.key.value);
      order_.advance(last_key(), batch);
      auto entry = classifier_.classify(std::move(object));
      if (entry) order_.add(std::move(*entry), batch);
    }
    if (!objects.empty()) jump_over_unseen();
    if (order_.held() > max_held_) spill_.emplace();
    return true;
  }

  std::string_view last_key() const {
    return std::string_view(last_).substr(prefix_.size());
  }

  void check(const std::string& key) {
    if (started_ && compare_utf16(last_, key) >= 0) pages_.distrust_order(last_, key);
    started_ = true;
    last_ = key;
    // Behind one with a character from U+10000 a key of the range may still follow.
    done_ = done_ || (classifier_.past_range(last_key()) && !has_astral(last_key()));
  }

  void jump_over_unseen() {
    if (!can_jump_ || done_ || pages_.at_end()) return;
    const auto unseen = classifier_.unseen_directory(last_key());
    if (!unseen) return;
    std::string target = prefix_ + *unseen + std::string(kLastUnit);
    if (compare_utf16(target, last_) > 0) pages_.jump(std::move(target));
  }

  // Nothing that follows sorts before what was given out already, so the rest is a
  // listing of its own.
  void load_spill(const CallContext& context) {
    std::vector<RemoteEntry> waiting;
    order_.finish(waiting);
    for (const RemoteEntry& entry : waiting) spill_->add(entry);
    std::vector<storage::ObjectInfo> objects;
    while (next_page(objects, context)) {
      for (storage::ObjectInfo& object : objects) {
        check(object.key.value);
        if (auto entry = classifier_.classify(std::move(object))) spill_->add(*entry);
      }
      if (!objects.empty()) jump_over_unseen();
    }
    spill_->sort();
    loaded_ = true;
  }

  void read_spill(std::vector<RemoteEntry>& batch, const CallContext& context) {
    if (!loaded_) load_spill(context);
    RemoteEntry entry;
    while (batch.size() < kBatchEntries && spill_->next(entry)) {
      batch.push_back(std::move(entry));
    }
    context.throw_if_stopped();
  }

  const std::string prefix_;
  const bool can_jump_;
  const std::size_t max_held_;
  ListingPages pages_;
  const RemoteClassifier classifier_;
  Utf16Order order_;
  std::optional<ListingSpill> spill_;  // from when too many wait
  bool loaded_ = false;
  bool started_ = false;
  bool done_ = false;
  std::string last_;  // full key
};

}  // namespace

std::unique_ptr<RemoteListing> utf16_listing(storage::ObjectStore& store,
                                             const RemoteScanOptions& options,
                                             std::size_t max_held) {
  return std::make_unique<Utf16Listing>(store, options, max_held);
}

}  // namespace cloudsync::sync

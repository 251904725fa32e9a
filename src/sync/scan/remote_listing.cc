// SPDX-License-Identifier: Apache-2.0
#include "sync/scan/remote_listing.h"

#include <utility>

#include "base/encoding.h"
#include "sync/scan/key_rules.h"

namespace cloudsync::sync {
namespace {

// Sorts behind every name that is not made for the purpose; a private-use character,
// since non-characters like U+10FFFF are refused by some servers.
constexpr std::string_view kHighRune = "\xF4\x8F\xBF\xBD";

// A key that sorts before `first` with as good as nothing in between: listings start
// behind a key, ranges start with one.
std::string just_before(std::string first) {
  if (first.empty()) return first;
  const char last = first.back();
  first.pop_back();
  if (last > '!' && last < '\x7f') {
    first += static_cast<char>(last - 1);
    first += kHighRune;
    return first;
  }
  while (!first.empty() && !base::is_valid_utf8(first)) first.pop_back();
  return first;
}

std::string start_of(const storage::ObjectStore& store,
                     const RemoteScanOptions& options) {
  if (options.range.first.empty() || !store.capabilities().start_after) return {};
  return just_before(options.prefix + options.range.first);
}

storage::ListRequest request_for(std::string prefix, std::string start_after) {
  storage::ListRequest request;
  request.prefix = std::move(prefix);
  request.start_after = std::move(start_after);
  return request;
}

}  // namespace

ListingPages::ListingPages(storage::ObjectStore& store, std::string prefix,
                           std::string start_after)
    : pages_(store, request_for(std::move(prefix), std::move(start_after))) {}

bool ListingPages::next(std::vector<storage::ObjectInfo>& objects,
                        const CallContext& context) {
  storage::ListPage page;
  if (!pages_.next(page, context)) return false;
  objects = std::move(page.objects);
  return true;
}

void ListingPages::distrust_order(const std::string& last, const std::string& key) const {
  if (key == last) distrust("it names '" + base::printable(key) + "' twice");
  throw OutOfOrder("'" + base::printable(key) + "' came after '" + base::printable(last) +
                   "'");
}

RemoteClassifier::RemoteClassifier(const RemoteScanOptions& options, bool nested_keys)
    : options_(options), nested_keys_(nested_keys) {}

std::optional<RemoteEntry> RemoteClassifier::classify(storage::ObjectInfo info) const {
  RemoteEntry entry;
  entry.key = info.key.value.substr(options_.prefix.size());
  entry.info = std::move(info);
  if (entry.key < options_.range.first || past_range(entry.key)) return std::nullopt;
  if (is_own_path(entry.key)) return std::nullopt;
  if (!entry.info.blocked.empty()) return blocked(std::move(entry));
  if (options_.filter && !options_.filter->includes(entry.key)) {
    return hidden_by_filter(std::move(entry));
  }
  // The marker of the prefix itself, as consoles create it.
  if (entry.key.empty() && entry.info.size == 0) return std::nullopt;
  find_problem(entry);
  return entry;
}

// Also where only keys below it are to be seen; but then it is not told of.
std::optional<RemoteEntry> RemoteClassifier::blocked(RemoteEntry entry) const {
  const bool is_folder = entry.key.ends_with('/');
  const std::string folder = is_folder ? entry.key : entry.key + '/';
  const bool may_hide = !options_.filter || options_.filter->may_contain(folder);
  const bool is_seen =
      is_folder ? may_hide : !options_.filter || options_.filter->includes(entry.key);
  if (!may_hide && !is_seen) return std::nullopt;
  entry.problem = RemoteProblem::kBlocked;
  if (is_seen) entry.detail = entry.info.blocked;
  return entry;
}

// Where `a` hides `a/b` from the listing, the merge must know of `a` even when it is
// filtered out, or `a/b` would read as deleted.
std::optional<RemoteEntry> RemoteClassifier::hidden_by_filter(RemoteEntry entry) const {
  if (nested_keys_ || entry.key.empty() || entry.key.ends_with('/')) return std::nullopt;
  if (!options_.filter->may_contain(entry.key + '/')) return std::nullopt;
  entry.problem = RemoteProblem::kIgnoredMarker;
  entry.detail = "is hidden by the filter";
  return entry;
}

void RemoteClassifier::find_problem(RemoteEntry& entry) const {
  if (auto reason = unsafe_key_reason(entry.key)) {
    entry.problem = RemoteProblem::kUnsafeKey;
    entry.detail = std::move(*reason);
  } else if (!entry.key.ends_with('/')) {
    return;
  } else if (entry.info.size > 0) {
    entry.problem = RemoteProblem::kUnsafeKey;
    entry.detail = "ends in '/' and has content, so it is neither a file nor a directory";
  } else if (!options_.empty_dirs) {
    entry.problem = RemoteProblem::kIgnoredMarker;
    entry.detail = "marks a directory (empty_dirs is off)";
  }
}

bool RemoteClassifier::past_range(std::string_view key) const {
  return !options_.range.last.empty() && key >= options_.range.last;
}

std::optional<std::string> RemoteClassifier::unseen_directory(
    std::string_view key) const {
  std::size_t begin = 0;
  for (std::size_t slash = key.find('/'); slash != std::string_view::npos;
       slash = key.find('/', begin)) {
    const std::string_view component = key.substr(begin, slash - begin);
    const std::string_view directory = key.substr(0, slash + 1);
    const bool filtered = options_.filter && !options_.filter->may_contain(directory);
    if (filtered || is_own_component(component)) return std::string(directory);
    begin = slash + 1;
  }
  return std::nullopt;
}

namespace {

class StreamedListing : public RemoteListing {
 public:
  StreamedListing(storage::ObjectStore& store, const RemoteScanOptions& options)
      : prefix_(options.prefix),
        can_jump_(store.capabilities().start_after),
        pages_(store, options.prefix, start_of(store, options)),
        classifier_(options, store.capabilities().nested_keys) {}

  bool next(std::vector<RemoteEntry>& batch, const CallContext& context) override {
    std::vector<storage::ObjectInfo> objects;
    while (batch.empty() && !done_ && pages_.next(objects, context)) {
      read_page(std::move(objects), batch);
    }
    return !batch.empty();
  }

 private:
  void read_page(std::vector<storage::ObjectInfo> objects,
                 std::vector<RemoteEntry>& batch) {
    batch.reserve(objects.size());
    for (storage::ObjectInfo& object : objects) {
      check_order(object.key.value);
      if (classifier_.past_range(std::string_view(last_).substr(prefix_.size()))) {
        done_ = true;
        return;
      }
      if (auto entry = classifier_.classify(std::move(object))) {
        batch.push_back(std::move(*entry));
      }
    }
    if (!objects.empty()) jump_over_unseen();
  }

  void check_order(const std::string& key) {
    if (started_ && key <= last_) pages_.distrust_order(last_, key);
    started_ = true;
    last_ = key;
  }

  // A trash or an excluded directory of a million objects costs one page, not a thousand.
  void jump_over_unseen() {
    if (!can_jump_ || pages_.at_end()) return;
    const auto unseen =
        classifier_.unseen_directory(std::string_view(last_).substr(prefix_.size()));
    if (!unseen) return;
    std::string target = prefix_ + *unseen + std::string(kHighRune);
    if (target > last_) pages_.jump(std::move(target));
  }

  const std::string prefix_;
  const bool can_jump_;
  ListingPages pages_;
  const RemoteClassifier classifier_;
  bool started_ = false;
  bool done_ = false;
  std::string last_;  // full key
};

class SortedListing : public RemoteListing {
 public:
  SortedListing(storage::ObjectStore& store, const RemoteScanOptions& options)
      : pages_(store, options.prefix, ""),
        classifier_(options, store.capabilities().nested_keys) {}

  bool next(std::vector<RemoteEntry>& batch, const CallContext& context) override {
    if (!loaded_) load(context);
    RemoteEntry entry;
    while (batch.size() < kBatchEntries && next_entry(entry)) {
      batch.push_back(std::move(entry));
    }
    context.throw_if_stopped();
    return !batch.empty();
  }

 private:
  static constexpr std::size_t kBatchEntries = 1000;

  void load(const CallContext& context) {
    std::vector<storage::ObjectInfo> objects;
    while (pages_.next(objects, context)) {
      for (storage::ObjectInfo& object : objects) {
        if (auto entry = classifier_.classify(std::move(object))) spill_.add(*entry);
      }
    }
    spill_.sort();
    loaded_ = true;
  }

  bool next_entry(RemoteEntry& entry) {
    if (!spill_.next(entry)) return false;
    if (last_ && entry.key == *last_) {
      pages_.distrust("it names '" + base::printable(entry.info.key.value) + "' twice");
    }
    last_ = entry.key;
    return true;
  }

  ListingPages pages_;
  const RemoteClassifier classifier_;
  ListingSpill spill_;
  bool loaded_ = false;
  std::optional<std::string> last_;
};

}  // namespace

std::unique_ptr<RemoteListing> stream_listing(storage::ObjectStore& store,
                                              const RemoteScanOptions& options) {
  return std::make_unique<StreamedListing>(store, options);
}

std::unique_ptr<RemoteListing> sorted_listing(storage::ObjectStore& store,
                                              const RemoteScanOptions& options) {
  return std::make_unique<SortedListing>(store, options);
}

}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
#include "sync/scan/merge.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "base/encoding.h"
#include "sync/scan/key_rules.h"

namespace cloudsync::sync {
namespace {

// The next thing of one cursor, with the proof that its keys ascend.
template <typename Cursor, typename Item>
class Head {
 public:
  Head(Cursor& cursor, const char* side) : cursor_(cursor), side_(side) {}

  const Item* peek() {
    if (!filled_) {
      filled_ = true;
      present_ = cursor_.next(item_);
    }
    return present_ ? &item_ : nullptr;
  }

  Item take() {
    filled_ = false;
    return std::move(item_);
  }

  Item take(const std::string& key) {
    require_ascending(key, false);
    return take();
  }

  // Each key once; a range may begin at the key of an entry before or behind it.
  void require_ascending(const std::string& key, bool is_range) {
    const bool may_repeat = std::exchange(last_is_range_, is_range) || is_range;
    if (last_ && (key < *last_ || (key == *last_ && !may_repeat))) {
      throw Error(ErrorCode::kInternal, std::string("the ") + side_ + " cursor gave '" +
                                            base::printable(key) + "' after '" +
                                            base::printable(*last_) +
                                            "'; stopped before anything was deleted");
    }
    last_ = key;
  }

 private:
  Cursor& cursor_;
  const char* side_;
  Item item_{};
  bool filled_ = false;
  bool present_ = false;
  bool last_is_range_ = false;
  std::optional<std::string> last_;
};

// Ranges that began at or before the current key; those behind it are dropped.
class OpenRanges {
 public:
  void add(UnknownRange range) { ranges_.push_back(std::move(range.last)); }
  bool contain(const std::string& key) {
    std::erase_if(ranges_,
                  [&](const std::string& last) { return !last.empty() && last <= key; });
    return !ranges_.empty();
  }

 private:
  std::vector<std::string> ranges_;  // their ends
};

// Listed objects, or things that block, below whose name the current key may lie. Between
// `k` and the end of its subtree every key begins with `k`, so these are prefixes of each
// other: a stack as deep as a key is long.
class HidingObjects {
 public:
  void add(const std::string& key) {
    leave_behind(key);
    if (!key.ends_with('/')) keys_.push_back(key);
  }
  void add_folder(std::string key) {
    leave_behind(key);
    if (key.ends_with('/')) key.pop_back();
    keys_.push_back(std::move(key));
  }
  bool hide(const std::string& key) {
    leave_behind(key);
    return std::any_of(keys_.begin(), keys_.end(), [&](const std::string& object) {
      return key.size() > object.size() && key[object.size()] == '/';
    });
  }

 private:
  void leave_behind(const std::string& key) {
    while (!keys_.empty() && !key.starts_with(keys_.back())) keys_.pop_back();
  }

  std::vector<std::string> keys_;
};

}  // namespace

struct Merge::Impl {
  Head<LocalCursor, LocalItem> local;
  Head<RemoteCursor, RemoteEntry> remote;
  Head<BaseCursor, BaseRow> base;
  Options options;
  OpenRanges unknown;
  HidingObjects hiding;
  HidingObjects blocking;
  std::vector<MergedItem> waiting;  // each lies within the reach of the one before it

  const std::string* smallest_key();
  bool open_range_at(const std::string& key);
  void take_sides(MergedItem& item);
  void mark_unknown(MergedItem& item);
  MergedItem take_item(std::string key);
  bool must_wait(const MergedItem& item);
  void relate_to_parents(MergedItem& item);
  bool is_hidden(const MergedItem& item) const;
};

// Of the entries; a range counts from its beginning on.
const std::string* Merge::Impl::smallest_key() {
  const std::string* smallest = nullptr;
  const auto consider = [&](const std::string& key) {
    if (!smallest || key < *smallest) smallest = &key;
  };
  if (const LocalItem* item = local.peek()) {
    const auto* entry = std::get_if<LocalEntry>(item);
    consider(entry ? entry->key : std::get<UnknownRange>(*item).first);
  }
  if (const RemoteEntry* entry = remote.peek()) consider(entry->key);
  if (const BaseRow* row = base.peek()) consider(row->key);
  return smallest;
}

// True when the local side stands at the beginning of a range there, which is then open.
bool Merge::Impl::open_range_at(const std::string& key) {
  const LocalItem* item = local.peek();
  const auto* range = item ? std::get_if<UnknownRange>(item) : nullptr;
  if (!range || range->first != key) return false;
  local.require_ascending(range->first, true);
  if (options.on_unknown) options.on_unknown(*range);
  unknown.add(std::get<UnknownRange>(local.take()));
  return true;
}

void Merge::Impl::take_sides(MergedItem& item) {
  const LocalItem* at_local = local.peek();
  const auto* entry = at_local ? std::get_if<LocalEntry>(at_local) : nullptr;
  if (entry && entry->key == item.key) {
    item.local = std::get<LocalEntry>(local.take(item.key));
  }
  const RemoteEntry* at_remote = remote.peek();
  if (at_remote && at_remote->key == item.key) item.remote = remote.take(item.key);
  const BaseRow* at_base = base.peek();
  if (at_base && at_base->key == item.key) item.base = base.take(item.key);
}

void Merge::Impl::mark_unknown(MergedItem& item) {
  const bool hidden = is_hidden(item);
  const bool local_problem = item.local && item.local->problem != LocalProblem::kNone;
  const bool remote_problem = item.remote && item.remote->problem != RemoteProblem::kNone;
  item.local_unknown = hidden || local_problem || unknown.contain(item.key);
  item.remote_unknown = hidden || remote_problem || blocking.hide(item.key);
  if (item.remote && item.remote->problem == RemoteProblem::kBlocked) {
    blocking.add_folder(item.key);
  }
  if (options.nested_keys) return;
  if (item.remote) {
    hiding.add(item.key);
  } else if (item.base && hiding.hide(item.key)) {
    item.hidden = !item.remote_unknown;
    item.remote_unknown = true;
  }
}

MergedItem Merge::Impl::take_item(std::string key) {
  MergedItem item;
  item.key = std::move(key);
  take_sides(item);
  // A range that begins at this very entry may stand behind it.
  while (open_range_at(item.key)) {
  }
  mark_unknown(item);
  return item;
}

// Whether what comes next lies below its name or, like `k-1` behind `k`, before what
// does.
bool Merge::Impl::must_wait(const MergedItem& item) {
  if (item.key.ends_with('/') || (!item.local && !item.remote)) return false;
  const std::string* next = smallest_key();
  return next && next->size() > item.key.size() && next->starts_with(item.key) &&
         (*next)[item.key.size()] <= '/';
}

void Merge::Impl::relate_to_parents(MergedItem& item) {
  for (MergedItem& parent : waiting) {
    const auto length = parent.key.size();
    if (item.key.size() <= length || item.key[length] != '/') continue;
    item.below = parent.key;
    item.below_file |= parent.local.has_value();
    item.below_object |= parent.remote.has_value();
    const bool ignored =
        item.remote && item.remote->problem == RemoteProblem::kIgnoredMarker;
    parent.objects_below |= item.remote && !ignored;
    parent.base_below |= item.base && (item.base->flags & kBaseDirCreated) == 0;
  }
}

// A base row that a scan would not have shown says nothing by its absence.
bool Merge::Impl::is_hidden(const MergedItem& item) const {
  if (!item.base || (item.local && item.remote)) return false;
  return is_own_path(item.key) || (options.filter && !options.filter->includes(item.key));
}

Merge::Merge(LocalCursor& local, RemoteCursor& remote, BaseCursor& base, Options options)
    : impl_(new Impl{{local, "local"},
                     {remote, "remote"},
                     {base, "base"},
                     std::move(options),
                     {},
                     {},
                     {},
                     {}}) {
  for (const auto& key : impl_->options.objects_above) impl_->hiding.add(key);
}

Merge::~Merge() = default;

bool Merge::next(MergedItem& item) {
  Impl& impl = *impl_;
  for (;;) {
    const std::string* key = impl.smallest_key();
    while (key && impl.open_range_at(*key)) key = impl.smallest_key();
    if (!impl.waiting.empty() && (!key || *key >= subtree_end(impl.waiting.back().key))) {
      item = std::move(impl.waiting.back());
      impl.waiting.pop_back();
      return true;
    }
    if (!key) return false;
    item = impl.take_item(*key);
    impl.relate_to_parents(item);
    if (!impl.must_wait(item)) return true;
    impl.waiting.push_back(std::move(item));
  }
}

}  // namespace cloudsync::sync

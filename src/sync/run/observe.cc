// SPDX-License-Identifier: Apache-2.0
#include "sync/run/observe.h"

#include <utility>

#include "hash/digest.h"
#include "sync/decide/classify.h"
#include "sync/decide/proof.h"
#include "sync/run/compare.h"
#include "sync/scan/key_rules.h"
#include "sync/transfer/stable_read.h"

namespace cloudsync::sync {

namespace {

ClassifyOptions classify_options(const RunContext& context) {
  ClassifyOptions options;
  options.checksum = context.settings.checksum;
  options.kept = context.settings.transfer.kept;
  return options;
}

Change to_change(LocalLook look) { return static_cast<Change>(look); }
Change to_change(RemoteLook look) { return static_cast<Change>(look); }
static_assert(static_cast<int>(LocalLook::kCreated) ==
              static_cast<int>(Change::kCreated));
static_assert(static_cast<int>(RemoteLook::kCreated) ==
              static_cast<int>(Change::kCreated));

// Steps of one decision; each returns false when it would have to read and may not.
class Decider {
 public:
  Decider(const RunContext& context, Observed& observed, bool may_read)
      : context_(context), observed_(observed), may_read_(may_read) {}

  bool run() {
    if (!settle_unfinished()) return false;
    judge_base();
    if (is_left_alone_by_size()) {
      observed_.action = {.kind = ActionKind::kKeep};
      return true;
    }
    if (!settle_local() || !settle_remote()) return false;
    DecideOptions options{context_.settings.direction, context_.settings.strategy,
                          context_.settings.deletes, context_.settings.mirror};
    if (const auto chosen = context_.known.choice_above(observed_.item.key)) {
      options.strategy = *chosen;
      options.deletes = Deletes::kRestore;
    }
    for (;;) {
      observed_.action = decide(observed_.situation, options);
      if (observed_.action.kind == ActionKind::kNeedCompare) {
        if (!settle_content()) return false;
      } else if (observed_.action.kind == ActionKind::kNeedTimes) {
        if (!settle_times()) return false;
      } else {
        return true;
      }
    }
  }

 private:
  bool settle_unfinished() {
    if (context_.base_demoted || !context_.unfinished.concern(observed_.item.key))
      return true;
    if (!may_read_) return false;
    context_.unfinished.settle(context_, observed_);
    return true;
  }

  // A row that proves nothing must not let a side pass for unchanged.
  void judge_base() {
    auto& item = observed_.item;
    if (!item.base) return;
    const auto* object = item.remote ? &item.remote->info : nullptr;
    switch (doubt_of(*item.base, object, context_.settings.engine.trash)) {
      case Doubt::kNone:
      case Doubt::kHarmless:
        break;
      case Doubt::kCleared:
        item.base->flags &= ~kBaseUnproven;
        observed_.stat_drifted = true;
        break;
      case Doubt::kVoid:
        item.base.reset();
        break;
    }
  }

  // --size-only: nothing moves where the sizes are equal, and nothing is concluded from
  // it: no base row, no side that passes for unchanged. Where something would move, both
  // sides are looked at as always.
  bool is_left_alone_by_size() const {
    const auto& item = observed_.item;
    if (!context_.settings.size_only || !item.local || !item.remote) return false;
    if (item.local->kind != EntryKind::kFile) return false;
    if (item.local->stat.size != item.remote->info.size) return false;
    const auto options = classify_options(context_);
    return look_at_local(item.local, item.base, options) != LocalLook::kUnchanged ||
           look_at_remote(item.remote, item.base, observed_.headed) !=
               RemoteLook::kUnchanged;
  }

  bool settle_local() {
    const auto& item = observed_.item;
    if (item.local && item.local->kind == EntryKind::kDirectory) {
      observed_.situation.local = item.base ? Change::kUnchanged : Change::kCreated;
      return true;
    }
    const auto look = look_at_local(item.local, item.base, classify_options(context_));
    if (look != LocalLook::kSuspect) {
      observed_.situation.local = to_change(look);
      return true;
    }
    if (!hash()) return false;
    observed_.situation.local = local_change_by_hash(
        *item.local, *item.base, observed_.hashed->md5, observed_.hashed->sha256);
    observed_.stat_drifted = observed_.situation.local != Change::kModified;
    return true;
  }

  bool settle_remote() {
    const auto& item = observed_.item;
    auto look = look_at_remote(item.remote, item.base, observed_.headed);
    if (look == RemoteLook::kSuspect) {
      if (!head()) return false;
      look = look_at_remote(item.remote, item.base, true);
    }
    observed_.situation.remote = to_change(look);
    // The listing has the exact time that the write's response could only estimate.
    if (item.base && item.remote && settles_provisional(*item.remote, *item.base)) {
      observed_.stat_drifted = true;
    }
    return true;
  }

  bool settle_content() {
    const auto quick = compare_by_listing(observed_.item);
    if (quick != Content::kUnknown) {
      observed_.situation.content = quick;
      return true;
    }
    if (!hash()) return false;
    if (!may_read_) return false;
    observed_.situation.content = compare_by_reading(context_, observed_);
    return true;
  }

  bool settle_times() {
    auto& info = observed_.item.remote->info;
    if (!info.metadata && !head()) return false;
    const auto written = info.metadata ? metadata_mtime_ns(*info.metadata) : std::nullopt;
    observed_.situation.newer = newer_side(
        observed_.item.local->stat.mtime_ns, written.value_or(info.last_modified_ns),
        written.has_value(), context_.store_clock.offset_ns(), context_.clock.now_ns());
    return true;
  }

  bool hash() {
    if (observed_.hashed) return true;
    if (!may_read_) return false;
    observed_.hashed = hash_entry(context_, *observed_.item.local);
    if (!observed_.hashed) return false;
    observed_.item.local->stat = observed_.hashed->stat;
    return true;
  }

  bool head() {
    return observed_.headed || (may_read_ && head_once(context_, observed_));
  }

  const RunContext& context_;
  Observed& observed_;
  bool may_read_;
};

// As the scan sees a link that is not kept as one.
void follow_link(const RunContext& context, LocalEntry& entry) {
  entry.problem = LocalProblem::kSymlink;
  if (!context.follow_links()) return;
  const auto target = stat_now(context.files, entry.key, true);
  if (!target || target->kind != base::FileKind::kRegular) return;
  entry.stat = *target;
  entry.problem = LocalProblem::kNone;
}

// `key` was put here, and this is what the file system made of its name.
bool is_stored_decomposed(const RunContext& context, const std::string& key,
                          const std::string& listed) {
  const std::string whole = decomposed_name(key);
  return context.names->stores_decomposed() && decomposed_name(listed) == whole &&
         !context.base_demoted && context.state.base_row(context.pair.id, key) &&
         !context.state.base_row(context.pair.id, whole);
}

// The file system opens it under this key, but lists it as another one.
bool names_another_key(const RunContext& context, const std::string& key) {
  if (context.names == nullptr || !context.names->may_fold(key)) return false;
  const auto other = context.names->other_spelling(key);
  return other && !is_stored_decomposed(context, key, *other);
}

// A socket or device where a folder was says nothing about the files below.
bool is_below_special(const RunContext& context, const std::string& key) {
  for (auto slash = key.find('/'); slash != std::string::npos;
       slash = key.find('/', slash + 1)) {
    const auto above = context.files.stat(key.substr(0, slash));
    if (!above) return false;
    if (above->kind == base::FileKind::kSpecial) return true;
  }
  return false;
}

std::optional<LocalEntry> observe_local(const RunContext& context,
                                        const std::string& key) {
  const bool directory = key.ends_with('/');
  if (names_another_key(context, key)) return std::nullopt;
  const auto stat = context.files.stat(directory ? key.substr(0, key.size() - 1) : key);
  LocalEntry entry;
  entry.key = key;
  if (!stat) {
    if (!is_below_special(context, key)) return std::nullopt;
    entry.problem = LocalProblem::kSpecial;
    return entry;
  }
  entry.stat = *stat;
  switch (stat->kind) {
    case base::FileKind::kRegular:
      if (directory) return std::nullopt;  // nor the other way round
      break;
    case base::FileKind::kDirectory:
      if (!directory) return std::nullopt;  // a directory is not a file of that key
      entry.kind = EntryKind::kDirectory;
      break;
    case base::FileKind::kSymlink:
      if (context.settings.engine.links == Links::kPreserve) {
        entry.kind = EntryKind::kSymlink;
        entry.link_target = context.files.read_link(key);
        if (!link_stays_inside(key, entry.link_target))
          entry.problem = LocalProblem::kSymlink;
      } else {
        follow_link(context, entry);
      }
      break;
    case base::FileKind::kSpecial:
      entry.problem = LocalProblem::kSpecial;
      break;
  }
  return entry;
}

}  // namespace

std::optional<HashedFile> hash_entry(const RunContext& context, const LocalEntry& entry) {
  if (entry.kind == EntryKind::kFile) {
    const std::int64_t begun_ns = context.clock.now_ns();
    auto hashed = hash_local_file(context.files, entry.key, context.follow_links(),
                                  context.settings.engine.content_hash, context.call);
    if (hashed) hashed->begun_ns = begun_ns;
    return hashed;
  }
  HashedFile hashed;
  hashed.stat = entry.stat;
  hashed.md5 = hash::Md5::of(
      std::as_bytes(std::span(entry.link_target.data(), entry.link_target.size())));
  return hashed;
}

bool head_once(const RunContext& context, Observed& observed) {
  if (observed.headed) return true;
  auto info = context.store.head(observed.item.remote->info.key, context.call);
  if (!info) return false;
  observed.item.remote->info = std::move(*info);
  observed.headed = true;
  return true;
}

bool decide_key(const RunContext& context, Observed& observed, bool may_read) {
  return Decider(context, observed, may_read).run();
}

void drop_directory_record(MergedItem& item) {
  if (item.base && (item.base->flags & kBaseDirCreated) != 0) item.base.reset();
}

bool settle_spelling(const RunContext& context, MergedItem& item) {
  if (!context.names->stores_decomposed() || item.local_unknown) return false;
  if (item.local && !item.base && !item.remote) {
    return is_stored_decomposed(context, composed_name(item.key), item.key);
  }
  if (item.local || !item.base || decomposed_name(item.key) == item.key) return false;
  try {
    item.local = observe_local(context, item.key);
    item.local_unknown = item.local && item.local->problem != LocalProblem::kNone;
  } catch (const Error&) {
    item.local_unknown = true;
  }
  return false;
}

MergedItem observe_again(const RunContext& context, const std::string& key) {
  MergedItem item;
  item.key = key;
  item.local = observe_local(context, key);
  // A key that a filter hides by now is as unknown here as in a scan.
  item.local_unknown = (item.local && item.local->problem != LocalProblem::kNone) ||
                       is_own_path(key) || !context.filter.includes(key);
  if (auto info = context.store.head(context.full_key(key), context.call)) {
    RemoteEntry entry;
    entry.key = key;
    entry.info = std::move(*info);
    item.remote = std::move(entry);
  }
  if (!context.base_demoted) item.base = context.state.base_row(context.pair.id, key);
  drop_directory_record(item);
  return item;
}

}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
// KeyRunner: what a run leaves alone whatever the sides hold.
#include <utility>

#include "base/encoding.h"
#include "sync/run/key_runner.h"

namespace cloudsync::sync {

// Both sides stay as they are, as if a filter hid the key; a row of a run that did send
// it goes, and the user learns where the secret lies.
bool KeyRunner::leave_guarded(const MergedItem& item) {
  if (leave_foreign(item.key)) return true;
  if (!context_.settings.own_files.hold(item)) return false;
  if (item.base && (item.base->flags & kBaseDirCreated) == 0) {
    journal_.done(item.key, {EraseBase{context_.pair.id, item.key}});
    context_.report.notice("'" + base::printable(item.key) +
                           "' is cloudsync's own file or holds credentials, and was "
                           "synced before: it is left alone from now on, but what it "
                           "held is in the bucket as '" +
                           base::printable(context_.prefix() + item.key) +
                           "'. Delete that there, and replace secrets that were in it");
  }
  journal_.close(item.key);
  context_.report.excluded(item.key);
  return true;
}

// Another pair's target says nothing about this pair: its files are neither new nor
// deleted here. The folder is told once, not each file.
bool KeyRunner::leave_foreign(const std::string& key) {
  for (const auto& folder : context_.settings.overlap.foreign) {
    if (!key.starts_with(folder)) continue;
    const bool first = [&] {
      const std::lock_guard lock(mutex_);
      return foreign_seen_.insert(folder).second;
    }();
    if (first) context_.report.act(OperationAction::kSkip, folder, 0);
    return true;
  }
  return false;
}

// True when the replacement of a known file waits until it is known how many there are.
// Keys that the user named are replaced at once.
bool KeyRunner::wait_as_rewrite(const TaskPtr& task) {
  const auto& item = task->observed.item;
  const auto kind = task->observed.action.kind;
  const bool put = kind == ActionKind::kPut && item.remote;
  const bool get = kind == ActionKind::kGet && item.local;
  if (!item.base || (!put && !get) || !context_.settings.only_keys.empty()) return false;
  if (std::exchange(task->rewrite_counted, true)) return false;
  if (!context_.rewrites.wait_for_plan(put ? Side::kLocal : Side::kRemote, item.key))
    return false;
  finish(task);
  return true;
}

}  // namespace cloudsync::sync

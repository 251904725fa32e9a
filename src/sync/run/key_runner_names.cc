// SPDX-License-Identifier: Apache-2.0
// KeyRunner: keys that differ in the bucket and are one name on the root's file system.
// What is on disk keeps its name; of two that are not, the first in byte order gets it.
// The other one stays in the bucket and is reported by each run.
#include "sync/run/key_runner.h"

#include <algorithm>
#include <string>

namespace cloudsync::sync {

namespace {

// The file or folder by which `twin` is not `key`: the first that is spelt otherwise.
std::string name_in_the_way(const std::string& key, const std::string& twin) {
  for (std::size_t mine = 0, other = 0;;) {
    const auto mine_end = std::min(key.find('/', mine), key.size());
    const auto other_end = std::min(twin.find('/', other), twin.size());
    const bool differs =
        key.compare(mine, mine_end - mine, twin, other, other_end - other) != 0;
    if (differs || mine_end == key.size() || other_end == twin.size())
      return twin.substr(0, other_end);
    mine = mine_end + 1;
    other = other_end + 1;
  }
}

}  // namespace

void KeyRunner::leave_as_twin(const Observed& observed) {
  const auto& item = observed.item;
  context_.report.act(OperationAction::kUnsafe, item.key,
                      item.remote ? item.remote->info.size : 0);
}

void KeyRunner::note_new_name(const MergedItem& item) {
  if (item.local && !item.base && context_.names->may_fold(item.key)) {
    context_.names->note_new(item.key);
  }
}

// On the thread that sees the keys in their order. True when another new key of this run
// takes the name.
bool KeyRunner::lost_name(const Observed& observed) {
  const auto& item = observed.item;
  if (item.local || observed.action.kind != ActionKind::kGet) return false;
  try {
    if (!context_.names->may_fold(item.key)) return false;
    if (context_.names->other_spelling(item.key)) return false;  // get() sees to it
    if (!context_.names->claim(item.key)) return false;
  } catch (const Error&) {
    return false;  // what is wrong there is that key's outcome
  }
  leave_as_twin(observed);
  return true;
}

// In a dry run: whether the plan deletes the file of this name, or all that is in the
// folder.
bool KeyRunner::is_to_go(const std::string& name) {
  const auto is_planned = [this](const std::string& key) {
    return context_.deletes.holds(Side::kLocal, key);
  };
  if (!is_folder(name)) return is_planned(name);
  bool all = true;
  const bool nothing_else = for_each_file_below(
      name, [&](const LocalEntry& entry) { all = all && is_planned(entry.key); });
  return all && nothing_else;
}

// Set aside the first time, since this run may delete or rename what has the name. A dry
// run deletes nothing and goes by the plan.
bool KeyRunner::blocked_by_twin(const TaskPtr& task) {
  const auto& item = task->observed.item;
  if (item.local || !context_.names->may_fold(item.key)) return false;
  const auto twin = context_.names->other_spelling(item.key);
  if (!twin) return false;
  if (!task->late) {
    set_aside(task);
    return true;
  }
  if (context_.settings.dry_run && is_to_go(name_in_the_way(item.key, *twin)))
    return false;
  leave_as_twin(task->observed);
  finish(task);
  return true;
}

// Something opens under the key that is listed as another one. New on disk it is the old
// file under a new spelling, and the old one may go. Known for longer it is another
// object's file, and the absence of this one is nobody's wish.
bool KeyRunner::is_hidden_by_twin(const Observed& observed) {
  const auto& key = observed.item.key;
  const bool directory = key.ends_with('/');
  if (!context_.files.stat(directory ? key.substr(0, key.size() - 1) : key)) return false;
  const auto twin = context_.names->other_spelling(key);
  if (!twin || context_.names->is_new(*twin)) return false;
  if (!context_.state.base_row(context_.pair.id, *twin)) return false;
  leave_as_twin(observed);
  return true;
}

}  // namespace cloudsync::sync

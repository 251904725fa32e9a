// SPDX-License-Identifier: Apache-2.0
// DeletionPhase: folders and their markers, which go after everything in them.
#include <algorithm>
#include <optional>
#include <utility>

#include "base/encoding.h"
#include "sync/run/deletion_phase.h"
#include "sync/scan/key_rules.h"

namespace cloudsync::sync {

namespace {

std::string parent_folder(const std::string& key) {
  const auto end = key.ends_with('/') ? key.size() - 1 : key.size();
  const auto slash = key.rfind('/', end == 0 ? 0 : end - 1);
  return end == 0 || slash == std::string::npos ? "" : key.substr(0, slash + 1);
}

std::string without_slash(const std::string& folder) {
  return folder.substr(0, folder.size() - 1);
}

}  // namespace

void DeletionPhase::remove_folders() {
  for (auto depth = context_.deletes.deepest_folder(); depth > 0 && safe_; --depth) {
    context_.writer->flush();
    context_.deletes.for_each_folder(depth, [&](const PlannedDelete& planned) {
      if (!check_root()) return false;
      submit_one(planned);
      return !context_.call.stopped();
    });
    await_workers();
  }
}

void DeletionPhase::remove_local_directory(const PlannedDelete& planned) {
  if (stays_because_of_children(planned)) return;
  const std::string path = without_slash(planned.key);
  if (context_.files.remove_directory(path) || !context_.files.stat(path)) {
    return removed_here(planned, "");
  }
  if (holds_synced(planned.key)) return keep_folder(planned);
  fail(planned, Error(ErrorCode::kLocalIo,
                      "the folder was removed on the other side but is not empty here: " +
                          why_not_empty(path) +
                          "; move or remove it, and the folder goes with the next run"));
}

// True when the folder's outcome was given: what is in it did not go.
bool DeletionPhase::stays_because_of_children(const PlannedDelete& planned) {
  std::optional<Blocked> why;
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = blocked_.find(planned.key); it != blocked_.end())
      why = it->second;
  }
  if (!why) return false;
  if (*why == Blocked::kChanged) {
    settle(planned, storage::Outcome::kPreconditionFailed, "");
  } else {
    fail(planned, Error(ErrorCode::kLocalIo,
                        "not removed, because something in it could not be removed; the "
                        "next run tries again"));
  }
  return true;
}

// Something below it is in step on both sides by now: an edit beats a deletion.
bool DeletionPhase::holds_synced(const std::string& folder) {
  const auto rows =
      context_.state.base_rows(context_.pair.id, {folder, subtree_end(folder)});
  for (BaseRow row; rows->next(row);) {
    if (row.key != folder && (row.flags & kBaseDirCreated) == 0) return true;
  }
  return false;
}

void DeletionPhase::keep_folder(const PlannedDelete& planned) {
  context_.writer->add({EraseBase{context_.pair.id, planned.key}});
  const std::lock_guard lock(mutex_);
  kept_.push_back(planned.key);
}

std::vector<std::string> DeletionPhase::take_kept_folders() {
  const std::lock_guard lock(mutex_);
  return std::exchange(kept_, {});
}

std::set<std::string> DeletionPhase::stuck_folders() {
  const std::lock_guard lock(mutex_);
  std::set<std::string> folders;
  for (const auto& [folder, why] : blocked_) folders.insert(folder);
  return folders;
}

std::string DeletionPhase::why_not_empty(const std::string& path) {
  const auto entries = context_.files.open_directory(path)->entries();
  if (entries.empty()) return "something appeared in it just now";
  const std::string more =
      entries.size() == 1 ? "" : " and " + std::to_string(entries.size() - 1) + " more";
  return "'" + base::printable(entries.front().name) + "'" + more + ", not synced";
}

void DeletionPhase::block_parents(const std::string& key, Blocked why) {
  const std::lock_guard lock(mutex_);
  // A file that stays keeps its name from becoming a folder's.
  const std::string first = key.ends_with('/') ? parent_folder(key) : key + '/';
  for (auto folder = first; !folder.empty(); folder = parent_folder(folder)) {
    auto& known = blocked_.emplace(folder, why).first->second;
    if (why == Blocked::kFailed) known = why;
  }
}

void DeletionPhase::note_emptied(const std::string& key) {
  const auto folder = parent_folder(key);
  if (folder.empty()) return;
  const std::lock_guard lock(mutex_);
  emptied_.insert(folder);
}

// Folders that sync made for files which have gone, from the deepest up. Each is looked
// at once, after all of its files.
void DeletionPhase::remove_emptied_parents() {
  context_.writer->flush();
  std::map<std::size_t, std::set<std::string>, std::greater<>> by_depth;
  const auto add = [&](const std::string& folder) {
    by_depth[static_cast<std::size_t>(std::count(folder.begin(), folder.end(), '/'))]
        .insert(folder);
  };
  for (const auto& folder : std::exchange(emptied_, {})) add(folder);
  while (!by_depth.empty()) {
    const auto folders = by_depth.extract(by_depth.begin()).mapped();
    for (const auto& folder : folders) {
      const auto parent = parent_folder(folder);
      if (remove_emptied(folder) && !parent.empty()) add(parent);
    }
  }
}

// False when the folder stays: it holds something, or was there before.
bool DeletionPhase::remove_emptied(const std::string& folder) {
  const auto row = context_.state.base_row(context_.pair.id, folder);
  if (!row || (row->flags & kBaseDirCreated) == 0) return false;
  PlannedDelete planned;
  planned.key = folder;
  try {
    const std::string path = without_slash(folder);
    if (!context_.files.remove_directory(path) && context_.files.stat(path)) return false;
    context_.writer->add({EraseBase{context_.pair.id, folder}});
    return true;
  } catch (const Error& error) {
    fail(planned, error);
    return false;
  }
}

}  // namespace cloudsync::sync

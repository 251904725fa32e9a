// SPDX-License-Identifier: Apache-2.0
#include "sync/scan/tree_walk.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "sync/scan/key_rules.h"

namespace cloudsync::sync {
namespace {

using base::FileKind;

constexpr const char* kReplaced = "was replaced while its directory was being read";

// `name` is one component, without the '/' of a directory.
std::optional<std::string> unsafe_reason(std::string_view name, std::string_view key) {
  if (key.size() > kMaxKeyBytes) return "is longer than 1024 bytes";
  return unsafe_component_reason(name);
}

LocalEntry make_entry(std::string key, EntryKind kind) {
  LocalEntry entry;
  entry.key = std::move(key);
  entry.kind = kind;
  return entry;
}

void set_problem(LocalEntry& entry, LocalProblem problem, std::string detail) {
  entry.problem = problem;
  entry.detail = std::move(detail);
}

std::string_view without_slash(std::string_view path) {
  if (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

}  // namespace

TreeWalk::TreeWalk(base::FileSystem& files, LocalScanOptions options)
    : files_(files), options_(std::move(options)) {}

bool TreeWalk::fill(std::vector<LocalItem>& batch, std::size_t limit,
                    const CallContext& context) {
  context.throw_if_stopped();
  if (!started_) {
    started_ = true;
    enter("", batch);
  }
  while (batch.size() < limit && !frames_.empty()) {
    context.throw_if_stopped();
    step(batch);
  }
  return !batch.empty();
}

void TreeWalk::step(std::vector<LocalItem>& out) {
  Frame& frame = frames_.back();
  if (frame.at == frame.siblings.size()) return frames_.pop_back();
  const FileKind kind = frame.siblings[frame.at].kind;
  const std::string name = std::move(frame.siblings[frame.at++].name);
  if (is_own_component(without_slash(name))) return;
  std::string key = frame.path + name;
  if (past_range(key)) return frames_.clear();
  if (!name.ends_with('/')) return visit_entry(name, std::move(key), out);
  if (!may_hold_keys(key)) return;
  if (kind == FileKind::kSymlink) {
    return add_unknown(key, LocalProblem::kSymlink, "lies below a symbolic link", out);
  }
  if (kind == FileKind::kSpecial) {
    return add_unknown(key, LocalProblem::kSpecial, "lies below no folder", out);
  }
  visit_directory(name, std::move(key), out);
}

// A link that is not kept as a link, a socket, a device hide whatever lies below their
// name, which then is unknown, not absent: a directory may have been moved and linked
// back. The range has its own place in the order.
void TreeWalk::add_slashes(std::vector<base::DirEntry>& siblings) const {
  const std::size_t count = siblings.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (siblings[i].kind == FileKind::kDirectory) siblings[i].name += '/';
    const bool hides = siblings[i].kind == FileKind::kSpecial ||
                       (siblings[i].kind == FileKind::kSymlink &&
                        options_.links != Links::kPreserve);
    if (hides) siblings.push_back({siblings[i].name + '/', siblings[i].kind});
  }
}

// Sorting directories as `name/` gives the byte order of whole keys: '-' and '.' sort
// before '/'.
void TreeWalk::enter(const std::string& path, std::vector<LocalItem>& out) {
  Frame frame;
  frame.path = path;
  try {
    frame.directory = files_.open_directory(std::string(without_slash(path)));
    frame.siblings = frame.directory->entries();
  } catch (const Error& error) {
    if (!is_gone(path)) add_unknown(path, LocalProblem::kUnreadable, error.what(), out);
    return;
  }
  add_slashes(frame.siblings);
  std::sort(
      frame.siblings.begin(), frame.siblings.end(),
      [](const base::DirEntry& a, const base::DirEntry& b) { return a.name < b.name; });
  frames_.push_back(std::move(frame));
}

bool TreeWalk::may_hold_keys(const std::string& directory) const {
  return subtree_end(directory) > options_.range.first &&
         (!options_.filter || options_.filter->may_contain(directory));
}

void TreeWalk::visit_directory(const std::string& name, std::string key,
                               std::vector<LocalItem>& out) {
  if (auto reason = unsafe_reason(without_slash(name), key)) {
    LocalEntry entry = make_entry(key, EntryKind::kDirectory);
    set_problem(entry, LocalProblem::kUnsafeName, *reason);
    if (in_range(key)) out.emplace_back(std::move(entry));
    return add_unknown(key, LocalProblem::kUnsafeName, "its name " + *reason, out);
  }
  if (options_.empty_dirs && !emit_directory(name, key, out)) return;
  enter(key, out);
}

// False when there is nothing to enter.
bool TreeWalk::emit_directory(const std::string& name, const std::string& key,
                              std::vector<LocalItem>& out) {
  if (!in_range(key) || (options_.filter && !options_.filter->includes(key))) return true;
  LocalEntry entry = make_entry(key, EntryKind::kDirectory);
  try {
    const auto stat = frames_.back().directory->stat(std::string(without_slash(name)));
    if (!stat) return false;
    if (stat->kind != FileKind::kDirectory) {
      add_unknown(key, LocalProblem::kUnreadable, kReplaced, out);
      return false;
    }
    entry.stat = *stat;
  } catch (const Error& error) {
    set_problem(entry, LocalProblem::kUnreadable, error.what());
  }
  out.emplace_back(std::move(entry));
  return true;
}

void TreeWalk::visit_entry(const std::string& name, std::string key,
                           std::vector<LocalItem>& out) {
  if (!in_range(key)) return;
  if (options_.filter && !options_.filter->includes(key)) return;
  LocalEntry entry = make_entry(std::move(key), EntryKind::kFile);
  if (auto reason = unsafe_reason(name, entry.key)) {
    set_problem(entry, LocalProblem::kUnsafeName, *reason);
    out.emplace_back(std::move(entry));
    return;
  }
  try {
    if (!describe(name, entry, out)) return;
  } catch (const Error& error) {
    set_problem(entry, LocalProblem::kUnreadable, error.what());
  }
  out.emplace_back(std::move(entry));
}

// False when the entry is not to be emitted: gone, or now a directory, whose place in the
// order has passed.
bool TreeWalk::describe(const std::string& name, LocalEntry& entry,
                        std::vector<LocalItem>& out) {
  const auto stat = frames_.back().directory->stat(name);
  if (!stat) return false;
  entry.stat = *stat;
  switch (stat->kind) {
    case FileKind::kRegular:
      return true;
    case FileKind::kSymlink:
      return describe_link(name, entry);
    case FileKind::kSpecial:
      set_problem(entry, LocalProblem::kSpecial, "is a FIFO, socket or device");
      return true;
    case FileKind::kDirectory:
      break;
  }
  // From `a` and not from `a/` on: the file itself is gone only in passing.
  UnknownRange unknown{entry.key, subtree_end(entry.key), kReplaced};
  clip(unknown);
  out.emplace_back(std::move(unknown));
  return false;
}

bool TreeWalk::describe_link(const std::string& name, LocalEntry& entry) {
  switch (options_.links) {
    case Links::kSkip:
      set_problem(entry, LocalProblem::kSymlink, "is a symbolic link (links: skip)");
      return true;
    case Links::kFollow:
      return follow_link(name, entry);
    case Links::kPreserve:
      break;
  }
  entry.kind = EntryKind::kSymlink;
  entry.link_target = files_.read_link(entry.key);
  if (!link_stays_inside(entry.key, entry.link_target)) {
    set_problem(entry, LocalProblem::kSymlink, "is a symbolic link that leaves the root");
  }
  return true;
}

// Directories behind links are never walked: that is what makes loops impossible.
bool TreeWalk::follow_link(const std::string& name, LocalEntry& entry) {
  const auto target = frames_.back().directory->stat_following(name);
  if (!target) {
    set_problem(entry, LocalProblem::kSymlink,
                "is a symbolic link that dangles or leaves the root");
    return true;
  }
  entry.stat = *target;
  if (target->kind == FileKind::kRegular) return true;
  if (target->kind == FileKind::kSpecial) {
    set_problem(entry, LocalProblem::kSpecial,
                "is a symbolic link to a FIFO, socket or device");
  } else {
    set_problem(entry, LocalProblem::kSymlink, "is a symbolic link to a directory");
  }
  return true;
}

// Only a name that is certainly gone is absent; whatever cannot be told stays unknown.
bool TreeWalk::is_gone(const std::string& path) {
  if (path.empty()) return false;
  try {
    return !files_.stat(std::string(without_slash(path))).has_value();
  } catch (const Error&) {
    return false;
  }
}

// The subtree of a directory; that of the root is everything.
void TreeWalk::add_unknown(const std::string& directory, LocalProblem problem,
                           std::string reason, std::vector<LocalItem>& out) const {
  UnknownRange unknown{directory, directory.empty() ? "" : subtree_end(directory),
                       std::move(reason), problem};
  clip(unknown);
  out.emplace_back(std::move(unknown));
}

void TreeWalk::clip(UnknownRange& unknown) const {
  const KeyRange& range = options_.range;
  unknown.first = std::max(unknown.first, range.first);
  if (range.last.empty()) return;
  unknown.last = unknown.last.empty() ? range.last : std::min(unknown.last, range.last);
}

bool TreeWalk::in_range(const std::string& key) const {
  return key >= options_.range.first && !past_range(key);
}

bool TreeWalk::past_range(const std::string& key) const {
  return !options_.range.last.empty() && key >= options_.range.last;
}

}  // namespace cloudsync::sync

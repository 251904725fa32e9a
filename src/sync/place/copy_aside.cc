// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "cloudsync/error.h"
#include "sync/place/place.h"
#include "sync/place/trash.h"
#include "sync/transfer/stable_read.h"
#include "sync/transfer/transfer.h"

namespace cloudsync::sync {
namespace {

using base::FileKind;
using base::FileStat;
using base::RenameOutcome;

constexpr std::size_t kCopyBytes = 1U << 20;

void copy_content(const SourceFile& source, base::WritableFile& target) {
  const MutableBytes buffer = thread_buffer(kCopyBytes);
  for (std::uint64_t offset = 0;;) {
    const std::size_t n = source.file->read_at(offset, buffer);
    if (n == 0) return;
    target.write_at(offset, buffer.first(n));
    offset += n;
  }
}

bool same_content(base::FileSystem& files, const std::string& a, const std::string& b) {
  const auto first = hash_local_file(files, a, false, ContentHash::kSha256, {});
  const auto second = hash_local_file(files, b, false, ContentHash::kSha256, {});
  return first && second && first->stat.size == second->stat.size &&
         first->sha256 == second->sha256;
}

}  // namespace

FileStat Placer::expected_now(const std::string& key, const FileStat& expected) {
  const std::lock_guard lock(mutex_);
  const auto found = linked_.find(key);
  if (found == linked_.end() || !found->second.before.same_version(expected))
    return expected;
  const FileStat after = found->second.after;
  linked_.erase(found);
  return after;
}

void Placer::remember_link(const std::string& key, const FileStat& before,
                           const FileStat& after) {
  const std::lock_guard lock(mutex_);
  linked_.insert_or_assign(key, Linked{.before = before, .after = after});
}

PlaceStatus Placer::copy_aside(const std::string& key, const FileStat& expected,
                               const std::string& copy_key) {
  const PlaceStatus now = check(key, expected);
  if (now != PlaceStatus::kPlaced) return now;
  if (inspect_parents(files_, copy_key).blocked) return PlaceStatus::kTypeConflict;
  files_.make_directories(parent_path(copy_key));
  switch (files_.link(key, copy_key)) {
    case RenameOutcome::kDone:
      return verify_link(key, expected, copy_key);
    case RenameOutcome::kTargetExists:
      return judge_taken(key, expected, copy_key);
    case RenameOutcome::kUnsupported:
      return copy_bytes(key, expected, copy_key);
    case RenameOutcome::kSourceMissing:
      break;
  }
  return PlaceStatus::kTargetChanged;
}

// The link may have caught another file than the one that was checked: then the new name
// goes to the trash, and the content keeps the name that its writer gave it.
PlaceStatus Placer::verify_link(const std::string& key, const FileStat& expected,
                                const std::string& copy_key) {
  const auto linked = files_.stat(copy_key);
  const auto named = files_.stat(key);
  if (linked && named && same_but_ctime(*linked, expected) &&
      named->same_version(*linked)) {
    remember_link(key, expected, *named);
    return PlaceStatus::kPlaced;
  }
  if (linked) move_to_trash(files_, run_name_, copy_key, copy_key);
  return PlaceStatus::kTargetChanged;
}

// A run that was cut off after the link finds its own copy, whose link has moved the
// ctime.
PlaceStatus Placer::judge_taken(const std::string& key, const FileStat& expected,
                                const std::string& copy_key) {
  const auto taken = files_.stat(copy_key);
  const auto named = files_.stat(key);
  if (!taken || !named || !same_but_ctime(*named, expected))
    return PlaceStatus::kTargetChanged;
  if (same_but_ctime(*taken, *named)) return PlaceStatus::kPlaced;
  if (taken->kind != FileKind::kRegular || taken->size != named->size) {
    return PlaceStatus::kTypeConflict;
  }
  return same_content(files_, key, copy_key) ? PlaceStatus::kPlaced
                                             : PlaceStatus::kTypeConflict;
}

PlaceStatus Placer::copy_bytes(const std::string& key, const FileStat& expected,
                               const std::string& copy_key) {
  SourceFile source;
  if (open_source(files_, key, false, source) != OpenStatus::kOpened ||
      !source.stat.same_version(expected)) {
    return PlaceStatus::kTargetChanged;
  }
  const std::string temp = std::string(kTempDirectory) + "/aside-" + run_name_ + "-" +
                           std::to_string(++copies_) + ".part";
  const auto target = files_.create(temp, 0600);
  copy_content(source, *target);
  target->set_mtime(source.stat.mtime_ns);
  files_.copy_attributes(key, temp);
  RenameOutcome outcome = RenameOutcome::kSourceMissing;
  if (is_unchanged(files_, source)) outcome = files_.rename_new(temp, copy_key);
  if (outcome == RenameOutcome::kDone) return PlaceStatus::kPlaced;
  files_.remove_file(temp);
  return outcome == RenameOutcome::kTargetExists ? judge_taken(key, expected, copy_key)
                                                 : PlaceStatus::kTargetChanged;
}

}  // namespace cloudsync::sync

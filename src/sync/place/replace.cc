// SPDX-License-Identifier: Apache-2.0
// Placer: a file takes another one's name, or loses its own.
#include <utility>

#include "base/encoding.h"
#include "cloudsync/error.h"
#include "sync/decide/conflict_name.h"
#include "sync/place/place.h"
#include "sync/place/trash.h"
#include "sync/place/trash_mounts.h"
#include "sync/transfer/transfer.h"

namespace cloudsync::sync {
namespace {

using base::FileStat;
using base::RenameOutcome;

constexpr int kMostRescueNames = 100;
constexpr char kRescueReplica[] = "rescued";

PlaceResult with_status(PlaceStatus status) {
  PlaceResult result;
  result.status = status;
  return result;
}

}  // namespace

// The new content waits in the trash under the very name that the old one will have
// there, so that one system call puts the one under its final name and the other where
// nothing ever deletes it unseen. Never under a conflict name: a run that ended in
// between would leave a copy of the wrong content.
PlaceResult Placer::replace(const PlaceRequest& request, const FileStat& incoming,
                            bool& other_mount) {
  PlaceRequest current = request;
  PlaceStatus status = PlaceStatus::kPlaced;
  const auto before = look(request.key, *request.expected, status);
  if (!before) return with_status(status);
  if (!current.copy_key.empty() && !prepare_copy(current, *before)) {
    return with_status(PlaceStatus::kTargetChanged);
  }
  give_attributes(current, incoming);
  const auto parked = park(current, other_mount);
  if (!parked) return with_status(PlaceStatus::kTargetChanged);
  Swapped swapped = swap_in(current, *parked);
  other_mount = swapped.other_mount;
  PlaceResult result = with_status(swapped.status);
  result.rescued_key = std::move(swapped.rescued_key);
  if (swapped.status != PlaceStatus::kPlaced) {
    take_back(request, *parked, incoming, result);
    return result;
  }
  result.placed = placed_stat(request.key, incoming);
  settle_replaced(current, swapped, result);
  return result;
}

std::string Placer::replaced_folder(const PlaceRequest& request) {
  // What was carried over to the key's mount is replaced there.
  const bool carried = !request.temp_path.starts_with(kTempDirectory);
  std::string folder = carried ? trash_folder(request.key)
                               : std::string(kTrashDirectory) + "/" + run_name_;
  if (!request.keep_replaced) folder += kReplacedSuffix;
  return folder;
}

// Under the name that the replaced file will have. Nothing when the content is gone.
std::optional<std::string> Placer::park(const PlaceRequest& request, bool& other_mount) {
  const TrashMove parked =
      move_to_trash(files_, replaced_folder(request), request.temp_path, request.key);
  other_mount = parked.outcome == RenameOutcome::kOtherMount;
  if (parked.outcome != RenameOutcome::kDone) return std::nullopt;
  return parked.path;
}

// What comes back may be another program's: the exchange may have come about after all.
void Placer::take_back(const PlaceRequest& request, const std::string& parked,
                       const FileStat& incoming, PlaceResult& result) {
  if (files_.rename_new(parked, request.temp_path) != RenameOutcome::kDone) return;
  const auto back = files_.stat(request.temp_path);
  if (back && !same_but_ctime(*back, incoming)) {
    result.rescued_key = rescue(request.temp_path, request.key);
  }
}

Placer::Swapped Placer::swap_in(const PlaceRequest& request, const std::string& parked) {
  // The exchange moves the ctime, so this is the last moment at which it proves
  // something.
  Swapped swapped;
  const auto pinned = files_.pin(request.key);
  const auto seen = look(request.key, *request.expected, swapped.status);
  if (!seen) return swapped;
  swapped.status = PlaceStatus::kTargetChanged;
  swapped.seen = *seen;
  switch (files_.exchange(parked, request.key)) {
    case RenameOutcome::kDone:
      swapped.status = PlaceStatus::kPlaced;
      swapped.old_path = parked;
      break;
    case RenameOutcome::kUnsupported:
      swap_by_renames(request, parked, swapped);
      break;
    case RenameOutcome::kOtherMount:
      swapped.other_mount = true;
      break;
    case RenameOutcome::kTargetExists:
    case RenameOutcome::kSourceMissing:
      break;
  }
  return swapped;
}

// Without RENAME_EXCHANGE: the old file leaves first, and what left is looked at before
// the new one takes the name. A crash in between reads as a local deletion beside a
// change in the bucket, which is downloaded.
void Placer::swap_by_renames(const PlaceRequest& request, const std::string& parked,
                             Swapped& swapped) {
  const TrashMove moved =
      move_to_trash(files_, replaced_folder(request), request.key, request.key);
  swapped.other_mount = moved.outcome == RenameOutcome::kOtherMount;
  if (moved.outcome != RenameOutcome::kDone) return;
  const auto old = files_.stat(moved.path);
  if (!old || !same_but_ctime(*old, swapped.seen)) {
    swapped.rescued_key = put_back(request.key, moved.path).rescued_key;
    return;
  }
  if (files_.rename_new(parked, request.key) == RenameOutcome::kDone) {
    swapped.status = PlaceStatus::kPlaced;
    swapped.old_path = moved.path;
  }
  // Else somebody has put another file there: the old one stays in the trash, as that
  // somebody's replaced file would.
}

void Placer::settle_replaced(const PlaceRequest& request, const Swapped& swapped,
                             PlaceResult& result) {
  const auto old = files_.stat(swapped.old_path);
  if (!old) return;
  const bool expected = same_but_ctime(*old, swapped.seen);
  if (!request.copy_key.empty()) {
    if (files_.rename_new(swapped.old_path, request.copy_key) != RenameOutcome::kDone) {
      result.rescued_key = rescue(swapped.old_path, request.key);
    } else if (!expected) {
      result.rescued_key = request.copy_key;
    }
    return;
  }
  if (!expected) {
    result.rescued_key = rescue(swapped.old_path, request.key);
    return;
  }
  if (!request.keep_replaced) replaced_any_ = true;
  keep(swapped.old_path, *old, request.expected_md5, result.trash_ref);
}

void Placer::keep(const std::string& path, const FileStat& stat,
                  const std::optional<Md5Digest>& md5, std::string& trash_ref) {
  if (trash_) {
    trash_ref = path;
    return unshare(path, stat);
  }
  HeldFile held{.path = path, .stat = stat};
  if (md5) {
    held.md5 = *md5;
  } else if (stat.kind == base::FileKind::kRegular) {
    const auto hashed = hash_local_file(files_, path, false, ContentHash::kMd5, {});
    if (!hashed) return;  // somebody is writing to it: it stays
    held.md5 = hashed->md5;
  }
  held_->add(held);
}

std::string Placer::rescue(const std::string& path, const std::string& key) {
  const auto stat = files_.stat(path);
  const std::int64_t mtime_ns = stat ? stat->mtime_ns : clock_.now_ns();
  const auto hashed = hash_local_file(files_, path, false, ContentHash::kMd5, {});
  const Md5Digest md5 = hashed ? hashed->md5 : Md5Digest{};
  for (int attempt = 1; attempt <= kMostRescueNames; ++attempt) {
    const std::string name = conflict_name(key, mtime_ns, kRescueReplica, md5, attempt);
    files_.make_directories(parent_path(name));
    if (files_.rename_new(path, name) == RenameOutcome::kDone) return name;
  }
  throw Error(ErrorCode::kAlreadyExists,
              base::printable(key) +
                  " was written by another program while it was being " +
                  "replaced; that content is kept as " + base::printable(path));
}

RemoveResult Placer::remove(const std::string& key, const FileStat& expected,
                            const std::optional<Md5Digest>& md5) {
  RemoveResult result;
  const auto pinned = files_.pin(key);
  const auto seen = look(key, expected, result.status);
  if (!seen) return result;
  TrashMove moved =
      move_to_trash(files_, std::string(kTrashDirectory) + "/" + run_name_, key, key);
  if (moved.outcome == RenameOutcome::kOtherMount) {
    moved = move_to_trash(files_, trash_folder(key), key, key);
  }
  if (moved.outcome != RenameOutcome::kDone) {
    result.status = PlaceStatus::kTargetChanged;
    return result;
  }
  const auto stat = files_.stat(moved.path);
  if (!stat) return result;
  if (!same_but_ctime(*stat, *seen)) return put_back(key, moved.path);
  keep(moved.path, *stat, md5, result.trash_ref);
  return result;
}

RemoveResult Placer::put_back(const std::string& key, const std::string& moved) {
  RemoveResult result;
  result.status = PlaceStatus::kTargetChanged;
  if (!inspect_parents(files_, key).blocked) {
    files_.make_directories(parent_path(key));
    if (files_.rename_new(moved, key) == RenameOutcome::kDone) return result;
  }
  result.rescued_key = rescue(moved, key);
  return result;
}

}  // namespace cloudsync::sync

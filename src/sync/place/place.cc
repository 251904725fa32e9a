// SPDX-License-Identifier: Apache-2.0
#include "sync/place/place.h"

#include <fstream>
#include <utility>

#include "base/encoding.h"
#include "cloudsync/error.h"
#include "sync/decide/conflict_name.h"
#include "sync/place/trash.h"
#include "sync/transfer/transfer.h"

namespace cloudsync::sync {
namespace {

using base::FileKind;
using base::FileStat;
using base::RenameOutcome;

constexpr std::uint32_t kPrivateDirectory = 0700;
constexpr std::uint32_t kEverybody = 0666;
constexpr std::uint32_t kUsualUmask = 022;
constexpr int kMostRescueNames = 100;
constexpr char kRescueReplica[] = "rescued";

// umask(2) can only be read by changing it, which races with other threads.
std::uint32_t process_umask() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word != "Umask:") continue;
    std::uint32_t mask = kUsualUmask;
    status >> std::oct >> mask;
    return mask;
  }
  return kUsualUmask;
}

void write_ignore_file(base::FileSystem& files) {
  const std::string path = std::string(kOwnDirectory) + "/.gitignore";
  const auto stat = files.stat(path);
  if (stat && (stat->kind != FileKind::kRegular || stat->size != 0)) return;
  constexpr std::string_view kEverything = "*\n";
  const auto file = stat ? files.open_write(path) : files.create(path, 0644);
  file->write_at(0, std::as_bytes(std::span(kEverything)));
}

PlaceResult with_status(PlaceStatus status) {
  PlaceResult result;
  result.status = status;
  return result;
}

}  // namespace

Placer::Placer(base::FileSystem& files, std::string run_name, bool trash,
               const base::Clock& clock)
    : files_(files),
      run_name_(std::move(run_name)),
      trash_(trash),
      clock_(clock),
      new_file_mode_(kEverybody & ~process_umask()) {}

void Placer::prepare() {
  files_.make_directories(kTempDirectory, kPrivateDirectory);
  files_.make_directories(kTrashDirectory, kPrivateDirectory);
  write_ignore_file(files_);
}

PlaceResult Placer::place(const PlaceRequest& request) {
  const auto incoming = files_.stat(request.temp_path);
  if (!incoming) {
    throw Error(ErrorCode::kLocalIo, "placing " + base::printable(request.key) +
                                         ": its temporary file " + request.temp_path +
                                         " is gone; run again");
  }
  if (!request.expected) return place_new(request, *incoming);
  PlaceRequest current = request;
  current.expected = expected_now(request.key, *request.expected);
  return replace(current, *incoming);
}

PlaceResult Placer::place_new(const PlaceRequest& request, const FileStat& incoming) {
  give_attributes(request, incoming);
  PlaceResult result;
  RenameOutcome outcome = RenameOutcome::kSourceMissing;
  std::optional<Error> failure;
  try {
    outcome = files_.rename_new(request.temp_path, request.key);
  } catch (const Error& error) {
    failure = error;
  }
  if (outcome == RenameOutcome::kSourceMissing) {
    const Parents parents = inspect_parents(files_, request.key);
    if (parents.blocked) return with_status(PlaceStatus::kTypeConflict);
    if (parents.missing.empty() && failure) throw *failure;
    files_.make_directories(parent_path(request.key));
    result.created_directories = parents.missing;
    outcome = files_.rename_new(request.temp_path, request.key);
  }
  if (outcome == RenameOutcome::kDone) {
    result.placed = placed_stat(request.key, incoming);
    return result;
  }
  const auto taken = files_.stat(request.key);
  const bool directory = taken && taken->kind == FileKind::kDirectory;
  result.status = directory ? PlaceStatus::kTypeConflict : PlaceStatus::kTargetChanged;
  return result;
}

PlaceStatus Placer::check(const std::string& key, const FileStat& expected) {
  std::optional<FileStat> now;
  try {
    now = files_.stat(key);
  } catch (const Error&) {
    if (inspect_parents(files_, key).blocked) return PlaceStatus::kTypeConflict;
    throw;
  }
  if (!now) {
    return inspect_parents(files_, key).blocked ? PlaceStatus::kTypeConflict
                                                : PlaceStatus::kTargetChanged;
  }
  if (now->kind == FileKind::kDirectory) return PlaceStatus::kTypeConflict;
  return now->same_version(expected) ? PlaceStatus::kPlaced : PlaceStatus::kTargetChanged;
}

// A replaced file hands its attributes on; a symlink has none worth it.
void Placer::give_attributes(const PlaceRequest& request, const FileStat& incoming) {
  if (incoming.kind != FileKind::kRegular) return;
  if (request.expected && request.expected->kind == FileKind::kRegular) {
    files_.copy_attributes(request.key, request.temp_path);
  } else {
    files_.set_mode(request.temp_path, new_file_mode_);
  }
}

// The new content waits under the very name in the trash that the old one will have, so
// that one system call puts the one under its final name and the other where nothing ever
// deletes it unseen.
PlaceResult Placer::replace(const PlaceRequest& request, const FileStat& incoming) {
  const PlaceStatus before = check(request.key, *request.expected);
  if (before != PlaceStatus::kPlaced) return with_status(before);
  give_attributes(request, incoming);
  const auto parked = move_to_trash(files_, run_name_, request.temp_path, request.key);
  if (!parked) return with_status(PlaceStatus::kTargetChanged);
  std::string old_path;
  const PlaceStatus status = swap_in(request, *parked, old_path);
  if (status != PlaceStatus::kPlaced) {
    files_.rename_new(*parked, request.temp_path);
    return with_status(status);
  }
  PlaceResult result;
  result.placed = placed_stat(request.key, incoming);
  settle_replaced(request, old_path, result);
  return result;
}

PlaceStatus Placer::swap_in(const PlaceRequest& request, const std::string& parked,
                            std::string& old_path) {
  // The exchange moves the ctime, so this is the last moment at which it proves
  // something.
  const PlaceStatus now = check(request.key, *request.expected);
  if (now != PlaceStatus::kPlaced) return now;
  switch (files_.exchange(parked, request.key)) {
    case RenameOutcome::kDone:
      old_path = parked;
      return PlaceStatus::kPlaced;
    case RenameOutcome::kUnsupported:
      return swap_by_link(request, parked, old_path);
    case RenameOutcome::kTargetExists:
    case RenameOutcome::kSourceMissing:
      break;
  }
  return PlaceStatus::kTargetChanged;
}

// Without RENAME_EXCHANGE: the old content gets its second name first and loses the first
// one by the rename. What remains open is another program renaming over the name between
// check and rename.
PlaceStatus Placer::swap_by_link(const PlaceRequest& request, const std::string& parked,
                                 std::string& old_path) {
  const auto linked = link_to_trash(files_, run_name_, request.key, request.key);
  if (!linked) return PlaceStatus::kTargetChanged;
  const auto old = files_.stat(*linked);
  const auto named = files_.stat(request.key);
  if (!old || !named || !same_but_ctime(*old, *request.expected) ||
      !same_but_ctime(*named, *old)) {
    return PlaceStatus::kTargetChanged;
  }
  files_.rename_over(parked, request.key);
  old_path = *linked;
  return PlaceStatus::kPlaced;
}

void Placer::settle_replaced(const PlaceRequest& request, const std::string& old_path,
                             PlaceResult& result) {
  const auto old = files_.stat(old_path);
  if (!old) return;
  if (!same_but_ctime(*old, *request.expected)) {
    result.rescued_key = rescue(old_path, request.key);
  } else if (request.keep_replaced && trash_) {
    result.trash_ref = old_path;
  } else {
    files_.remove_file(old_path);
  }
}

// When a user has already written to the placed file, its own stat would pass his content
// off as the one that was placed: the temporary file's stat makes the next scan look
// inside.
FileStat Placer::placed_stat(const std::string& key, const FileStat& incoming) {
  const auto now = files_.stat(key);
  return now && same_but_ctime(*now, incoming) ? *now : incoming;
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

RemoveResult Placer::remove(const std::string& key, const FileStat& seen) {
  RemoveResult result;
  const FileStat expected = expected_now(key, seen);
  result.status = check(key, expected);
  if (result.status != PlaceStatus::kPlaced) return result;
  const auto moved = move_to_trash(files_, run_name_, key, key);
  if (!moved) {
    result.status = PlaceStatus::kTargetChanged;
    return result;
  }
  const auto stat = files_.stat(*moved);
  if (stat && !same_but_ctime(*stat, expected)) return put_back(key, *moved);
  if (trash_) {
    result.trash_ref = *moved;
  } else {
    files_.remove_file(*moved);
  }
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

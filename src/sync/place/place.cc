// SPDX-License-Identifier: Apache-2.0
#include "sync/place/place.h"

#include <fstream>
#include <utility>

#include "base/encoding.h"
#include "cloudsync/error.h"
#include "sync/place/copies.h"
#include "sync/place/trash.h"
#include "sync/place/trash_mounts.h"

namespace cloudsync::sync {
namespace {

using base::FileKind;
using base::FileStat;
using base::RenameOutcome;

constexpr std::uint32_t kPrivateDirectory = 0700;
constexpr std::uint32_t kEverybody = 0666;
constexpr std::uint32_t kUsualUmask = 022;

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

void write_ignore_file(base::FileSystem& files, const std::string& own_directory) {
  const std::string path = own_directory + "/.gitignore";
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

std::string below(const std::string& top, const std::string& path) {
  return top.empty() ? path : top + "/" + path;
}

}  // namespace

Placer::Placer(base::FileSystem& files, std::string run_name, bool trash,
               const base::Clock& clock)
    : files_(files),
      run_name_(std::move(run_name)),
      trash_(trash),
      clock_(clock),
      new_file_mode_(kEverybody & ~process_umask()),
      held_(trash ? nullptr : std::make_unique<HeldFiles>()) {}

Placer::~Placer() = default;

void Placer::prepare() {
  files_.make_directories(kTempDirectory, kPrivateDirectory);
  files_.make_directories(kTrashDirectory, kPrivateDirectory);
  write_ignore_file(files_, kOwnDirectory);
  read_clock();
}

void Placer::read_clock() {
  file_clock_ = read_file_clock(
      files_, clock_, std::string(kTempDirectory) + "/clock-" + run_name_ + ".part");
}

// The trash of the mount that `key` is on: nothing can be renamed into that of another.
std::string Placer::trash_folder(const std::string& key) {
  const std::string top = files_.mount_top(key);
  if (!top.empty()) remember_mount(top);
  return below(top, kTrashDirectory) + "/" + run_name_;
}

void Placer::remember_mount(const std::string& top) {
  const std::lock_guard lock(mutex_);
  if (mounts_.contains(top)) return;
  files_.make_directories(below(top, kTrashDirectory), kPrivateDirectory);
  write_ignore_file(files_, below(top, kOwnDirectory));
  add_trash_mount(files_, top);
  mounts_.insert(top);
}

PlaceResult Placer::place(const PlaceRequest& request) {
  bool other_mount = false;
  PlaceResult result = place_here(request, other_mount);
  if (!other_mount) return result;
  PlaceRequest carried = request;
  carried.temp_path = carry_over(request);
  try {
    result = place_here(carried, other_mount);
  } catch (const Error&) {
    files_.remove_file(carried.temp_path);  // the copy made for this
    throw;
  }
  if (other_mount) {
    throw Error(ErrorCode::kLocalIo,
                "placing " + base::printable(request.key) +
                    ": nothing can be renamed within its mount; run again");
  }
  const bool placed = result.status == PlaceStatus::kPlaced;
  if (placed) sync_names(request.key, result.created_directories);
  files_.remove_file(placed ? request.temp_path : carried.temp_path);
  return result;
}

// Flushing the root's file system does not reach that of a mount below it.
void Placer::sync_names(const std::string& key, const std::vector<std::string>& made) {
  files_.sync_directory(parent_path(key));
  for (const auto& directory : made) {
    files_.sync_directory(parent_path(directory.substr(0, directory.size() - 1)));
  }
}

// The content lies on another mount than its name: a copy of it waits in the trash of
// that mount, where nothing looks for interrupted downloads.
std::string Placer::carry_over(const PlaceRequest& request) {
  const std::string folder = trash_folder(request.key) + "~arriving";
  files_.make_directories(folder, kPrivateDirectory);
  std::string path = folder + "/" + std::to_string(++copies_);
  if (files_.stat(request.temp_path)->kind == FileKind::kSymlink) {
    files_.make_symlink(files_.read_link(request.temp_path), path);
    return path;
  }
  files_.copy_file(request.temp_path, path);
  if (same_content(files_, request.temp_path, path)) return path;
  files_.remove_file(path);
  throw Error(ErrorCode::kDataCorrupt,
              "placing " + base::printable(request.key) +
                  ": its copy on the mount that it belongs to differs from what was "
                  "received; run again");
}

PlaceResult Placer::place_here(const PlaceRequest& request, bool& other_mount) {
  other_mount = false;
  const auto incoming = files_.stat(request.temp_path);
  if (!incoming) {
    throw Error(ErrorCode::kLocalIo, "placing " + base::printable(request.key) +
                                         ": its temporary file " + request.temp_path +
                                         " is gone; run again");
  }
  return request.expected ? replace(request, *incoming, other_mount)
                          : place_new(request, *incoming, other_mount);
}

PlaceResult Placer::place_new(const PlaceRequest& request, const FileStat& incoming,
                              bool& other_mount) {
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
  other_mount = outcome == RenameOutcome::kOtherMount;
  const auto taken = other_mount ? std::nullopt : files_.stat(request.key);
  const bool directory = taken && taken->kind == FileKind::kDirectory;
  result.status = directory ? PlaceStatus::kTypeConflict : PlaceStatus::kTargetChanged;
  return result;
}

// What has the name now, if it is still what was expected.
std::optional<FileStat> Placer::look(const std::string& key, const FileStat& expected,
                                     PlaceStatus& status) {
  std::optional<FileStat> now;
  try {
    now = files_.stat(key);
  } catch (const Error&) {
    if (!inspect_parents(files_, key).blocked) throw;
  }
  status = PlaceStatus::kTargetChanged;
  if (!now) {
    if (inspect_parents(files_, key).blocked) status = PlaceStatus::kTypeConflict;
    return std::nullopt;
  }
  if (now->kind == FileKind::kDirectory) status = PlaceStatus::kTypeConflict;
  if (now->kind == FileKind::kDirectory || !now->same_version(expected))
    return std::nullopt;
  status = PlaceStatus::kPlaced;
  return now;
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

// When a user has already written to the placed file, its own stat would pass his content
// off as the one that was placed: the temporary file's stat makes the next scan look
// inside.
FileStat Placer::placed_stat(const std::string& key, const FileStat& incoming) {
  const auto now = files_.stat(key);
  return now && same_but_ctime(*now, incoming) ? *now : incoming;
}

}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
// Placer: conflict copies, and entries of the trash that other names share.
#include "base/encoding.h"
#include "cloudsync/error.h"
#include "sync/place/copies.h"
#include "sync/place/place.h"
#include "sync/place/trash.h"
#include "sync/transfer/transfer.h"

namespace cloudsync::sync {
namespace {

using base::FileKind;
using base::FileStat;
using base::RenameOutcome;

constexpr std::uint32_t kPrivateDirectory = 0700;

}  // namespace

bool same_content(base::FileSystem& files, const std::string& a, const std::string& b) {
  const auto first = hash_local_file(files, a, false, ContentHash::kSha256, {});
  const auto second = hash_local_file(files, b, false, ContentHash::kSha256, {});
  return first && second && first->stat.size == second->stat.size &&
         first->sha256 == second->sha256;
}

// Sees to it that the replaced file can be moved to its conflict name, or has a copy
// there and can go to the trash. False when the name is taken by another content or the
// file changes.
bool Placer::prepare_copy(PlaceRequest& request, const FileStat& seen) {
  const auto taken = files_.stat(request.copy_key);
  const bool shared = seen.nlink > 1 && seen.kind == FileKind::kRegular;
  if (!taken && !shared) return true;
  if (!taken) {
    const std::string copy = copy_privately(request.key, seen);
    const bool done = !copy.empty() &&
                      files_.rename_new(copy, request.copy_key) == RenameOutcome::kDone;
    if (!done && !copy.empty()) files_.remove_file(copy);
    if (!done) return false;
  } else if (!same_content(files_, request.copy_key, request.key)) {
    return false;
  }
  request.copy_key.clear();
  request.keep_replaced = true;
  return true;
}

// A flushed and verified copy in this run's part of the trash; "" when the original
// changed meanwhile.
std::string Placer::copy_privately(const std::string& path, const FileStat& seen) {
  const std::string folder = trash_folder(path) + "~copies";
  files_.make_directories(folder, kPrivateDirectory);
  std::string copy = folder + "/" + std::to_string(++copies_);
  files_.copy_file(path, copy);
  files_.copy_attributes(path, copy);
  const bool same = same_content(files_, path, copy);
  const auto now = files_.stat(path);
  if (same && now && same_but_ctime(*now, seen)) return copy;
  files_.remove_file(copy);
  return "";
}

// An entry of the trash that another name shares would follow every edit made there.
void Placer::unshare(const std::string& path, const FileStat& stat) {
  if (stat.kind != FileKind::kRegular || stat.nlink < 2) return;
  try {
    const std::string copy = copy_privately(path, stat);
    if (!copy.empty()) files_.rename_over(copy, path);
  } catch (const Error&) {
    return;  // no room for a copy: what there is stays
  }
}

}  // namespace cloudsync::sync

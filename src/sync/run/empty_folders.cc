// SPDX-License-Identifier: Apache-2.0
#include "sync/run/empty_folders.h"

#include <algorithm>

namespace cloudsync::sync {

namespace {

bool holds_only_folders(base::FileSystem& files, const std::string& path) {
  const auto entries = files.open_directory(path)->entries();
  return std::all_of(entries.begin(), entries.end(), [&](const auto& entry) {
    return entry.kind == base::FileKind::kDirectory &&
           holds_only_folders(files, path + '/' + entry.name);
  });
}

// False when something appears in it meanwhile.
bool remove_folders(const RunContext& context, const std::string& path) {
  for (const auto& entry : context.files.open_directory(path)->entries()) {
    if (entry.kind != base::FileKind::kDirectory) return false;
    if (!remove_folders(context, path + '/' + entry.name)) return false;
  }
  if (!context.files.remove_directory(path) && context.files.stat(path)) return false;
  context.writer->add({EraseBase{context.pair.id, path + '/'}});
  return true;
}

}  // namespace

bool remove_empty_folders(const RunContext& context, const std::string& path) {
  return holds_only_folders(context.files, path) && remove_folders(context, path);
}

}  // namespace cloudsync::sync

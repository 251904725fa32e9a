// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/file_system.h"
#include "storage/local/local_layout.h"
#include "storage/object_store.h"

namespace cloudsync::storage::local {

// Inode and times that a rename does not touch.
bool same_content(const base::FileStat& a, const base::FileStat& b);

// One name about to get a new file.
struct Placing {
  const BucketFolder& folder;
  int bucket;
  int parent;
  const std::string& key;
  TemporaryFile& file;
  std::optional<base::FileStat> observed;  // what the condition was checked against

  std::string name() const { return name_of(key); }
  int rename(RenameFlag flag) const {
    return rename_at(bucket, file.path(), parent, name(), flag);
  }
};

// Gives the file its name. Under a condition only what was checked may make way for it;
// whatever else comes out of the name is put back or kept.
Outcome move_into_place(const Placing& placing, const Precondition& condition);

// A file system that writes names its own way (normalised) would show the object under a
// key that nobody gave it: then the new file goes again, and kAlreadyExists is thrown.
void require_own_spelling(const Placing& placing);

}  // namespace cloudsync::storage::local

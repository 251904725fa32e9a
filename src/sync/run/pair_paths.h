// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cloudsync/cloud_storage.h"
#include "cloudsync/sync_state.h"

namespace cloudsync::sync {

// Absolute, symlinks resolved as far as the path exists.
std::string canonical_root(const std::string& local_dir);
// With a final slash unless empty; never a leading one.
std::string normal_prefix(const std::string& cloud_prefix);
PairIdentity pair_identity(const StorageOptions& storage, const std::string& local_dir,
                           const std::string& cloud_prefix);

// Throws Error{kInvalidArgument} when a bucket of provider `local` lies below the root or
// the root inside the bucket: the run would sync what it has just written.
void refuse_nested_bucket(const StorageOptions& storage, const std::string& root);

// Where keys of the pair become paths of this machine: the root and, for provider
// `local`, the prefix below the bucket's folder.
std::vector<std::string> key_folders(const StorageOptions& storage,
                                     const PairIdentity& identity);

}  // namespace cloudsync::sync

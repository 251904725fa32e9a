// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "cloudsync/cloud_storage.h"
#include "storage/object_store.h"

namespace cloudsync::storage {

// A bucket in a directory: objects are ordinary files at <path>/<bucket>/<key>; metadata
// and version tokens in <path>/<bucket>/.cloudsync-store/ by SHA-256 of the key. A file
// whose stat no longer fits its record has been edited by somebody else and gets a new
// token. Writers in several processes are serialised by a lock file per key shard;
// readers never block. No nested keys.
std::unique_ptr<ObjectStore> make_local_store(const StorageOptions& options);

}  // namespace cloudsync::storage

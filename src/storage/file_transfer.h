// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cloudsync/cloud_storage.h"
#include "storage/object_store.h"

namespace cloudsync::storage {

// Whole files between the disk and one key. `store` repeats by itself. Each write carries
// the version that was there a moment ago, so that a lost answer can be settled; a writer
// in between is replaced in the next try, as the caller asked for.
PutResult send_file(ObjectStore& store, const StorageOptions& options,
                    const std::string& local_path, const ObjectKey& key,
                    const ProgressCallback& progress, const CallContext& context);

// Verified (what does not match is fetched once more over a new connection), then in
// place at once. Returns the content's MD5. Throws kNotFound, kArchived, kDataCorrupt.
Md5Digest fetch_file(ObjectStore& store, const StorageOptions& options,
                     const ObjectKey& key, const std::string& local_path,
                     const ProgressCallback& progress, const CallContext& context);

}  // namespace cloudsync::storage

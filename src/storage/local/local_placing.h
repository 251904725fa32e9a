// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "storage/local/local_layout.h"
#include "storage/local/local_records.h"
#include "storage/object_store.h"

namespace cloudsync::storage::local {

// A finished body on its way to its name.
struct Incoming {
  const ObjectKey& key;
  TemporaryFile& file;
  Record record;  // md5, content type, class, metadata
  Precondition condition;
};

// kOk or kPreconditionFailed for the object that the key names now; kOk without a
// condition.
Outcome check_condition(const std::optional<ObjectInfo>& current,
                        const Precondition& condition);

// Makes the body durable and moves it to its key in one step, under the key's lock. A
// writer that does not know our locks is noticed too: what was replaced is compared with
// what was checked.
PutResult place(const BucketFolder& folder, int bucket, Incoming incoming);

// Removes an object and the directories that it leaves empty; not durable before the
// nearest directory that is left has been synced.
DeleteResult remove_object(const BucketFolder& folder, int bucket,
                           const DeleteRequest& request);

void sync_nearest_directory(const BucketFolder& folder, int bucket, std::string path);

// Directory markers: an empty directory and a record with its own token.
std::optional<ObjectInfo> find_marker(const BucketFolder& folder, int bucket,
                                      const ObjectKey& key);
PutResult place_marker(const BucketFolder& folder, int bucket, const PutRequest& request);
DeleteResult remove_marker(const BucketFolder& folder, int bucket,
                           const DeleteRequest& request);

// Removes `path` and its parents as long as they are empty and not markers; never the
// bucket.
void remove_empty_directories(const BucketFolder& folder, int bucket, std::string path);

// Object or marker of this key; nothing also for a key that cannot be stored. Throws
// kAlreadyExists for what is no object.
std::optional<ObjectInfo> find_object(const BucketFolder& folder, int bucket,
                                      const ObjectKey& key);

}  // namespace cloudsync::storage::local

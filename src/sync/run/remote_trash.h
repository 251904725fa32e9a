// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "storage/object_store.h"
#include "sync/run/run_context.h"

namespace cloudsync::sync {

// Keeps remote versions that are about to be lost: by the bucket's own versioning or soft
// delete where it keeps them for as long as the trash would, else by a server-side copy
// to <prefix>.cloudsync/trash/<run>/<key>.
class RemoteTrash {
 public:
  explicit RemoteTrash(RunContext& context) : context_(context) {}

  // Where exactly this version can be found afterwards ("" when `trash: false`); nothing
  // when the object is no longer that version: observe again. Throws for one that cannot
  // be copied (archived, no right), with its size and what to do.
  std::optional<std::string> secure(const std::string& key,
                                    const storage::ObjectInfo& version);
  // Copies exactly this version to another key; `if_free` refuses to replace anything
  // there. False when the source changed or the destination is taken.
  bool copy_version(const storage::ObjectInfo& version, const std::string& destination,
                    bool if_free);
  // Deletes what runs of this replica, or runs that named none, put into the trash longer
  // ago than the retention, both by the store's clock; nothing while that is not known or
  // known to differ from ours. Returns the number of objects.
  std::uint64_t purge();

 private:
  struct Purge {
    std::uint64_t removed = 0;
    std::uint64_t refused = 0;
    std::string words;  // of the first refusal
  };
  bool is_purgeable(const std::string& run_name, std::int64_t oldest_ns) const;
  void remove_below(const std::string& run_prefix, std::int64_t oldest_ns, Purge& purge);
  storage::Tags tags_to_copy(const storage::ObjectInfo& version);
  storage::PutResult copy_in_parts(const storage::ObjectInfo& seen,
                                   const storage::ObjectKey& destination, bool if_free);
  void abort_copy(const storage::ObjectKey& destination, const storage::UploadId& upload);

  RunContext& context_;
};

}  // namespace cloudsync::sync

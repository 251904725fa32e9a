// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "storage/object_store.h"
#include "sync/run/run_context.h"

namespace cloudsync::sync {

// Keeps remote versions that are about to be lost: by the bucket's own versioning where
// it is on, else by a server-side copy to <prefix>.cloudsync/trash/<run>/<key>.
class RemoteTrash {
 public:
  explicit RemoteTrash(RunContext& context) : context_(context) {}

  // Where exactly this version can be found afterwards ("" when `trash: false`); nothing
  // when the object is no longer that version: observe again. Throws kArchived for one
  // that has to be restored before it can be copied.
  std::optional<std::string> secure(const std::string& key,
                                    const storage::ObjectInfo& version);
  // Copies exactly this version to another key; `if_free` refuses to replace anything
  // there. False when the source changed or the destination is taken.
  bool copy_version(const storage::ObjectInfo& version, const std::string& destination,
                    bool if_free);
  // Deletes trash runs older than the retention. Returns the number of objects.
  std::uint64_t purge();

 private:
  std::uint64_t remove_below(const std::string& run_prefix);
  storage::PutResult copy_in_parts(const storage::ObjectInfo& version,
                                   const storage::ObjectKey& destination, bool if_free);
  RunContext& context_;
};

// The time in a run's name; nothing for names of another form.
std::optional<std::int64_t> run_name_time(const std::string& run_name);

}  // namespace cloudsync::sync

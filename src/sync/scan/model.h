// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "base/file_system.h"
#include "cloudsync/sync_state.h"
#include "storage/object_store.h"

namespace cloudsync::sync {

// Why an entry that is there must not be acted on. "Unknown" is never "absent".
enum class LocalProblem {
  kNone,
  kUnreadable,  // stat or read refused
  kUnsafeName,  // not UTF-8, or a name that cannot be a key
  kSpecial,     // FIFO, socket, device
  kSymlink,     // links: skip, or a link that leaves the root, dangles or loops
};

struct LocalEntry {
  std::string key;  // relative path, bytes; directories (empty_dirs) end in '/'
  EntryKind kind = EntryKind::kFile;
  base::FileStat stat;
  std::string link_target;  // links: preserve
  LocalProblem problem = LocalProblem::kNone;
  std::string detail;  // for the report
};

enum class RemoteProblem {
  kNone,
  kUnsafeKey,      // would leave the root or cannot be a path
  kIgnoredMarker,  // "dir/" of size 0 while empty_dirs is off: known, never touched, not
                   // reported
  kBlocked,        // no object but something else: nothing is known of the key nor of
                   // those below it; reported when there is a detail
};

struct RemoteEntry {
  std::string key;           // relative to the prefix
  storage::ObjectInfo info;  // info.key is the full key
  RemoteProblem problem = RemoteProblem::kNone;
  std::string detail;
};

// Keys in [first, last) of this side could not be looked at.
struct UnknownRange {
  std::string first;
  std::string last;  // "" = no upper end
  std::string reason;
  // kSymlink, kSpecial and kUnsafeName: an entry of that name tells the user;
  // kUnreadable: only this does.
  LocalProblem problem = LocalProblem::kUnreadable;
};

using LocalItem = std::variant<LocalEntry, UnknownRange>;

// One key with everything known about it.
struct MergedItem {
  std::string key;
  std::optional<LocalEntry> local;
  std::optional<RemoteEntry> remote;
  std::optional<BaseRow> base;
  bool local_unknown = false;  // inside an unknown range, or the entry has a problem
  bool remote_unknown = false;
  // Absent from a listing that may have hidden it behind an object of its parent's name.
  bool hidden = false;

  // What bears the name of a parent of this key, where anything does.
  std::string below;
  bool below_file = false;    // a local file
  bool below_object = false;  // an object
  // What lies below this key's name.
  bool objects_below = false;
  bool base_below = false;  // rows of files or markers
};

}  // namespace cloudsync::sync

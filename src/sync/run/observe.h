// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "sync/decide/decide.h"
#include "sync/run/run_context.h"
#include "sync/scan/model.h"

namespace cloudsync::sync {

// One key with what was found out about it on the way to a decision.
struct Observed {
  MergedItem item;
  Situation situation;
  Action action;
  std::optional<HashedFile> hashed;  // the local file was read
  bool headed = false;               // item.remote->info is a HEAD's, metadata included
  bool stat_drifted = false;  // content proved unchanged though stat or token moved
};

// Decides one key. Without I/O as long as listing, stat and base row suffice; `may_read`
// allows to hash the local file, HEAD the object and, at the last, compare by reading it.
// Returns false when more would have to be read (only without `may_read`), or when the
// file changed while being read
// (`observed.situation` is then void and the key must be observed again).
bool decide_key(const RunContext& context, Observed& observed, bool may_read);

// The content hash of an entry: the file's bytes, a preserved symlink's target, nothing
// for a directory. Nothing when the file changed while being read.
std::optional<HashedFile> hash_entry(const RunContext& context, const LocalEntry& entry);

// Replaces the listing's description of the object by a HEAD's, once a key. False when it
// is gone.
bool head_once(const RunContext& context, Observed& observed);

// Rows that only remember "sync made this directory" are no base of a directory marker.
void drop_directory_record(MergedItem& item);

// Where the file system stores names decomposed, a key that was put there composed is
// listed under another name: gives the file to its key. True for the name as listed,
// which then is no key.
bool settle_spelling(const RunContext& context, MergedItem& item);

// Looks at both sides of one key afresh: lstat, HEAD, base row.
MergedItem observe_again(const RunContext& context, const std::string& key);

}  // namespace cloudsync::sync

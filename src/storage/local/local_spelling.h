// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace cloudsync::storage::local {

// Whether the file system below an open bucket finds a name under other spellings too
// (exFAT, CIFS, APFS): then one key's lookup may find another key's object. By writing
// into the store's tmp folder, or else, for a bucket that is only read, by the names that
// are there.
bool probe_spelling(int bucket);
bool guess_spelling(int bucket);

// The part of `path` that exists under another spelling only, as a sentence; "" when each
// component that exists is spelled so. Reads the directories on the way.
std::string other_spelling(int bucket, const std::string& path);

}  // namespace cloudsync::storage::local

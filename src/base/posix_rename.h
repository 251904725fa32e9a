// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/file_system.h"
#include "base/posix_root.h"

namespace cloudsync::base {

// The two-name operations of FileSystem; contracts there.
RenameOutcome rename_new_in(const PosixRoot& root, const std::string& from,
                            const std::string& to);
RenameOutcome rename_away_in(const PosixRoot& root, const std::string& from,
                             const std::string& to);
RenameOutcome exchange_in(const PosixRoot& root, const std::string& a,
                          const std::string& b);
RenameOutcome link_in(const PosixRoot& root, const std::string& from,
                      const std::string& to);
void rename_over_in(const PosixRoot& root, const std::string& from,
                    const std::string& to);

// The two as they work where RENAME_NOREPLACE is missing. rename_new: link, then unlink;
// for files only. rename_away: a look, then a plain rename.
RenameOutcome rename_away_plainly(const PosixRoot& root, const std::string& from,
                                  const std::string& to);
RenameOutcome rename_new_by_link(const PosixRoot& root, const std::string& from,
                                 const std::string& to);
// rename_new where links are missing too: an empty file takes the name, then a plain
// rename. The name may be taken by somebody else only between two system calls. For files
// only.
RenameOutcome rename_new_by_placeholder(const PosixRoot& root, const std::string& from,
                                        const std::string& to);

}  // namespace cloudsync::base

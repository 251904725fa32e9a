// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cloudsync/error.h"
#include "cloudsync/sync_state.h"

namespace cloudsync::sync {

// Excludes a second run of the same pair: an flock beside the database and, where the run
// writes the root, one in <root>/.cloudsync/lock, so that two databases cannot work on
// one tree. The kernel releases both when the process dies.
class PairLock {
 public:
  // Throws Error{kLocked} naming the holder's process when another run has it.
  PairLock(const std::string& database_path, const PairIdentity& identity);
  ~PairLock();
  PairLock(const PairLock&) = delete;
  PairLock& operator=(const PairLock&) = delete;

  void lock_root(const std::string& root);

 private:
  int database_fd_ = -1;
  int root_fd_ = -1;
};

}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace cloudsync::state {

// Belongs to one process. SQLite's locks are the process's, and after fork() its tables
// of them are copied while the locks are not: in a child neither a connection of the
// parent nor a new one to a file that the parent has open is safe.
class ProcessOwned {
 public:
  // Throws kUnsupported in a child whose parent had a database open at the fork.
  explicit ProcessOwned(const std::string& path);
  ~ProcessOwned();
  ProcessOwned(const ProcessOwned&) = delete;
  ProcessOwned& operator=(const ProcessOwned&) = delete;

  // Whether this process has a database open, which opening and closing the file by other
  // means would take the locks from.
  static bool any_open();

  bool inherited() const;
  // Throws kUnsupported when it is inherited.
  void require_own(const std::string& path) const;

 private:
  unsigned generation_;
};

}  // namespace cloudsync::state

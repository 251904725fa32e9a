// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace cloudsync::state {

// Absolute, with symlinks resolved: SQLite keeps its -wal and -shm beside the real file.
std::string resolve_database_path(const std::string& path);

// A missing or empty file holds nothing that could be lost.
bool is_missing_or_empty(const std::string& path);
bool file_exists(const std::string& path);
// Whether another version of SQLite wrote to the file last, as its header says: another
// program had its hands on it.
bool was_written_by_another_library(const std::string& path);

// Creates an empty file of mode 0600 unless it exists.
void create_private_file(const std::string& path);
// So that a new name survives a power cut.
void sync_parent_directory(const std::string& path);

// `name`, or `name`-2, -3 ... when it is taken.
std::string unused_name(const std::string& name);

// WAL needs shared memory, which network file systems do not have.
bool is_network_file_system_type(unsigned long type);
void refuse_network_file_system(const std::string& path);

// Whether a living process has the database open in WAL mode: every SQLite connection
// holds a lock on one byte of -shm. As seen by /proc/locks, which hides other PID
// namespaces.
bool is_open_somewhere(const std::string& path);

// Renames the database with its -wal and -shm and returns the new name.
std::string set_aside(const std::string& path);

// A place for a copy of a database in a private directory, removed with the object.
class PrivateCopy {
 public:
  PrivateCopy();                              // nothing in it yet
  explicit PrivateCopy(const std::string& path);  // with the database and its log
  ~PrivateCopy();
  PrivateCopy(const PrivateCopy&) = delete;
  PrivateCopy& operator=(const PrivateCopy&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string directory_;
  std::string path_;
};

}  // namespace cloudsync::state

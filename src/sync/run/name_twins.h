// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/file_system.h"
#include "sync/scan/name_folding.h"

namespace cloudsync::sync {

// Keys that are two in the bucket and one name on the root's file system. How a name is
// spelt is what its directory lists; that it can be opened by another spelling means
// nothing. Thread-safe but for claim().
class NameTwins {
 public:
  explicit NameTwins(base::FileSystem& files) : files_(files) {}

  // Asks the file system by a file below .cloudsync/tmp.
  void probe_writing(const std::string& run_name);
  // The same where the run may not write: by the names that the root has.
  void probe_reading();

  // Whatever form a name is given in, the directory lists it decomposed (HFS+).
  bool stores_decomposed() const { return stores_decomposed_; }
  // The directory that holds `key`, or the nearest one above it that exists, folds names.
  bool may_fold(const std::string& key);
  // As the disk spells the name that opens under `key`, where that is another key: with
  // the rest of `key` behind the first component that differs.
  std::optional<std::string> other_spelling(const std::string& key);
  // For keys that are to become new names, in their byte order: the one that comes first
  // gets the name, whoever is faster. The key before, when it takes this one's name.
  std::optional<std::string> claim(const std::string& key);

  // Names that were new on disk when this run saw them.
  void note_new(const std::string& key);
  bool is_new(const std::string& key);

 private:
  struct Level {
    std::string directory;  // "" or ends in '/'
    NameFolding folding;
    std::unordered_map<std::string, std::string> spellings;  // by folded name
  };

  NameFolding folding_in(const std::string& directory);
  std::string spelling_in(const std::string& directory, const std::string& name,
                          const base::FileStat& stat);
  bool is_known_exact(const std::string& path);
  void remember_exact(const std::string& path);

  base::FileSystem& files_;
  NameFolding mount_;
  bool stores_decomposed_ = false;
  std::vector<Level> claimed_;  // of the directories above the last key
  std::mutex mutex_;
  std::unordered_set<std::string> exact_;      // directories spelt as they are listed
  std::unordered_set<std::size_t> new_names_;  // hashes
  std::string asked_;                          // the directory asked for last
  NameFolding answer_;
};

}  // namespace cloudsync::sync

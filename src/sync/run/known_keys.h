// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "cloudsync/sync_state.h"

namespace cloudsync::sync {

// Keys that the database has an open conflict or a failure for when the run begins, so
// that their rows are closed by the transaction that settles them. Read-only after
// construction.
class KnownKeys {
 public:
  KnownKeys(const std::vector<ConflictRow>& conflicts,
            const std::vector<FailedRecord>& failures) {
    for (const auto& row : conflicts) {
      conflicts_.emplace(row.key, row);
      if (row.reason == ConflictReason::kTypeConflict && row.choice)
        type_choices_.emplace(row.key, *row.choice);
    }
    for (const auto& row : failures) failures_.insert(row.key);
  }
  const ConflictRow* conflict(const std::string& key) const {
    const auto it = conflicts_.find(key);
    return it == conflicts_.end() ? nullptr : &it->second;
  }
  // What was chosen for a file on one side and a folder on the other holds for everything
  // in the folder.
  std::optional<ConflictStrategy> choice_above(const std::string& key) const {
    if (type_choices_.empty()) return std::nullopt;
    for (auto slash = key.find('/'); slash != std::string::npos;
         slash = key.find('/', slash + 1)) {
      const auto it = type_choices_.find(key.substr(0, slash));
      if (it != type_choices_.end()) return it->second;
    }
    return std::nullopt;
  }
  std::vector<std::string> keys() const {
    std::vector<std::string> all(failures_.begin(), failures_.end());
    for (const auto& [key, row] : conflicts_) all.push_back(key);
    return all;
  }
  bool failed(const std::string& key) const { return failures_.contains(key); }

 private:
  std::unordered_map<std::string, ConflictRow> conflicts_;
  std::unordered_map<std::string, ConflictStrategy> type_choices_;
  std::unordered_set<std::string> failures_;
};

}  // namespace cloudsync::sync

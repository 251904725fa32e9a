// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "sync/scan/model.h"

namespace cloudsync::sync {

// A private temporary database (gone with the object, even after a crash) that brings
// remote entries into byte order of their keys, however many there are. First add all,
// then sort(), then next(). Throws Error{kLocalIo | kDiskFull}.
class ListingSpill {
 public:
  ListingSpill();
  ~ListingSpill();
  void add(const RemoteEntry& entry);
  void sort();
  bool next(RemoteEntry& entry);  // equal keys come out one after the other

 private:
  struct Database;
  std::unique_ptr<Database> database_;
};

}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/file_system.h"
#include "cloudsync/types.h"

namespace cloudsync::sync {

// A file that was replaced or removed and goes at the end of the run.
struct HeldFile {
  std::string path;     // in the trash
  base::FileStat stat;  // as it came there
  Md5Digest md5{};      // of the content that was given up
};

// A private temporary database, in memory until it grows, gone with the process.
// Thread-safe.
class HeldFiles {
 public:
  HeldFiles();
  ~HeldFiles();

  void add(const HeldFile& file);
  void for_each(const std::function<void(const HeldFile&)>& visit) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cloudsync::sync

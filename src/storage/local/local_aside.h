// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "storage/local/local_layout.h"

namespace cloudsync::storage::local {

// A place in the store's own folder for an object that was taken from its name, until it
// is certain that it is the one that was to go. A note beside it says whose it is, so
// that after a crash the next opening of the store puts it back or keeps it. Callers hold
// the key's lock for as long as it lives.
class Aside {
 public:
  // `body`: the inode of the store's own new file that passes through here; 0 = none.
  // `seen`: what is to go, as it was checked.
  Aside(const BucketFolder& folder, int bucket, const std::string& key,
        std::uint64_t body, const std::optional<base::FileStat>& seen = {});
  ~Aside();
  Aside(const Aside&) = delete;
  Aside& operator=(const Aside&) = delete;

  const std::string& path() const { return path_; }  // from the bucket
  // A second place, for the old object where the first holds the new one.
  std::string old_path() const { return path_ + ".old"; }

 private:
  int bucket_;
  std::string path_;
};

// Moves `path` to <store>/kept/<time>/<key>, where it stays until somebody takes it away,
// and says so. When that fails it stays where it is.
void keep_aside(const BucketFolder& folder, int bucket, const std::string& path,
                const std::string& key);

// Back to its name if that is free, else kept.
void put_back(const BucketFolder& folder, int bucket, const std::string& path,
              const std::string& key);

// An object's way aside and back gave it another change time, so that its record no
// longer fits; only its bytes can tell that it is still the file that was recorded.
void renew_record(int bucket, const std::string& key);

// What killed processes left aside.
void recover_aside(const BucketFolder& folder, int bucket);

}  // namespace cloudsync::storage::local

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "storage/local/posix_file.h"
#include "storage/object_store.h"

namespace cloudsync::storage::local {

// The store's own folder inside the bucket; no object may have it as its first component.
inline constexpr const char* kStoreFolder = ".cloudsync-store";

bool is_marker(const ObjectKey& key);  // ends in '/': an empty directory with a record
// "" or why this key cannot be a file name below the bucket.
std::string why_unstorable(const std::string& key);
void require_storable(const ObjectKey& key,
                      const std::string& where);  // throws kUnsupported

std::string key_digest(const std::string& key);   // SHA-256, hex
std::string record_path(const std::string& key);  // from the bucket
std::string parent_of(const std::string& path);   // "" for a top-level name
std::string name_of(const std::string& path);

// Where one bucket lies. Opens it anew for each operation: a bucket that is not there is
// an empty one until somebody writes. Once it has been seen it stays the same: one that
// has gone or was exchanged meanwhile throws kNotFound and is not made again.
class BucketFolder {
 public:
  BucketFolder(std::string path, std::string bucket);

  const std::string& path() const { return bucket_path_; }
  std::string path_of(const std::string& key) const { return bucket_path_ + "/" + key; }
  UniqueFd open() const;  // not open when the bucket is missing
  UniqueFd create();      // with its own folders
  // Whether it exists or could be made. Throws kInvalidArgument when storage.path is no
  // directory and kPermissionDenied when nothing could be made there.
  bool is_usable() const;
  BucketIdentity identity() const;
  std::string give_identity();

  // Throws kAlreadyExists when the file system finds `key`, or a folder above it, only
  // under another spelling.
  void require_spelling(int bucket, const std::string& key) const;

  // The directory that holds `key`. Not open when it is missing.
  UniqueFd open_parent(int bucket, const std::string& key) const;
  UniqueFd create_parent(int bucket, const std::string& key) const;

  [[noreturn]] void throw_nested(const std::string& key) const;

 private:
  // The folder as it was seen first, by which it is known again.
  struct Known {
    bool seen = false;
    std::uint64_t dev = 0;
    std::uint64_t ino = 0;
    std::string id;
  };
  bool seen() const;
  void know_id(const std::string& id) const;
  void require_same(int bucket) const;  // negative: it is not there
  UniqueFd make_bucket() const;
  void remove_stale_temporaries(int bucket) const;

  std::string storage_path_;
  std::string bucket_path_;
  std::once_flag cleaned_;
  mutable std::mutex mutex_;
  mutable Known known_;
  mutable std::optional<bool> folds_;  // names are found under other spellings too
};

// Serialises writers of one name over threads and processes, until it goes out of scope.
class NameLock {
 public:
  NameLock(int bucket, const std::string& name);

 private:
  UniqueFd fd_;
};

// A file in the store's tmp folder that is removed unless it was moved away.
class TemporaryFile {
 public:
  explicit TemporaryFile(int bucket);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }  // from the bucket
  void moved() { present_ = false; }
  bool present() const { return present_; }
  // Before it takes its name: nobody, this process neither, can write to it any more.
  void seal();
  void move_to(const std::string& path);  // from the bucket

 private:
  int bucket_;
  std::string path_;
  UniqueFd fd_;
  bool present_ = true;
};

}  // namespace cloudsync::storage::local

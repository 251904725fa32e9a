// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "storage/memory/memory_store.h"
#include "storage/object_store.h"

namespace cloudsync::storage::memory {

struct KeyLess {
  KeyOrder order = KeyOrder::kUtf8;
  bool operator()(const std::string& a, const std::string& b) const;
};

struct StoredObject {
  ObjectInfo info;
  Tags tags;
  std::shared_ptr<const std::string> content;
};

// What a write leaves behind apart from its bytes.
struct NewObject {
  std::string key;
  std::string content;
  Metadata metadata;
  std::string content_type;
  std::string storage_class;
  ServedHeaders served;
  Tags tags;
  std::optional<std::string> composite_token;  // multipart: has no MD5 of the whole
  std::optional<std::uint64_t> crc64nvme;
};

// The objects and their rules. Callers hold `mutex` around every other member.
class MemoryBucket {
 public:
  explicit MemoryBucket(const MemoryStore::Options& options);

  std::mutex mutex;

  const StoredObject* find(const std::string& key) const;
  const StoredObject* find_version(const std::string& key,
                                   const std::string& version) const;
  PutResult store(NewObject object);
  bool erase(const std::string& key) { return objects_.erase(key) != 0; }
  void archive(const std::string& key);
  ListPage list(const ListRequest& request) const;

  // kOk or kPreconditionFailed for the object that the key names now.
  Outcome check(const Precondition& condition, const std::string& key) const;
  // Throws kUnsupported for a key above or below another one's where that cannot be held.
  void require_unnested(const std::string& key) const;
  std::int64_t now_ns() const;

 private:
  using Objects = std::map<std::string, StoredObject, KeyLess>;
  Objects::const_iterator first_of(const ListRequest& request) const;
  ObjectInfo listed(const StoredObject& object) const;
  VersionToken next_token(const NewObject& object, const Md5Digest& md5);

  MemoryStore::Options options_;
  Objects objects_;
  std::map<std::pair<std::string, std::string>, StoredObject> versions_;
  std::uint64_t counter_ = 0;
};

}  // namespace cloudsync::storage::memory

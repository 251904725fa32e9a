// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "storage/object_store.h"

namespace cloudsync::storage {

// A bucket in memory that behaves: versions, preconditions, pages, order, multipart, archived
// classes. Used by tests and by whoever wants a bucket for a moment. Asserts invariant I5 on demand
// and injects faults by rule.
class MemoryStore : public ObjectStore {
 public:
  struct Options {
    Capabilities capabilities;      // multipart is set by the store
    std::uint32_t page_size = 1000;  // listings never return more
    bool require_preconditions = false;  // every put, complete and remove without one throws kInternal
    const base::Clock* clock = nullptr;  // system clock when absent
  };
  MemoryStore();
  explicit MemoryStore(Options options);
  ~MemoryStore() override;

  // Called before (after = false) and after each operation took effect, with its name ("put",
  // "upload_part") and key; throwing makes the call fail at that moment. Thread-safe.
  using Fault = std::function<void(const std::string& operation, const std::string& key, bool after)>;
  void set_fault(Fault fault);
  std::uint64_t operations(const std::string& name) const;  // how often that operation was called
  // A writer beside us: no precondition, no fault, no count.
  VersionToken put_directly(const std::string& key, const std::string& content,
                            const Metadata& metadata = {});
  void remove_directly(const std::string& key);
  std::optional<std::string> content(const std::string& key) const;
  void archive(const std::string& key);

  const Capabilities& capabilities() const override;
  std::string describe() const override;
  ListPage list(const ListRequest&, const CallContext&) override;
  std::optional<ObjectInfo> head(const ObjectKey&, const CallContext&) override;
  GetResult get(const GetRequest&, ByteSink&, const CallContext&) override;
  PutResult put(const PutRequest&, ByteSource&, const CallContext&) override;
  DeleteResult remove(const DeleteRequest&, const CallContext&) override;
  std::vector<DeleteResult> remove_many(std::span<const DeleteRequest>, const CallContext&) override;
  PutResult copy(const CopyRequest&, const CallContext&) override;
  BucketInfo describe_bucket(const CallContext&) override;
  MultipartStore* multipart() override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cloudsync::storage

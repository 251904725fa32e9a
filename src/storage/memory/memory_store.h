// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "storage/object_store.h"

namespace cloudsync::storage {

// A bucket in memory that behaves: versions, preconditions, pages, order, multipart,
// archived classes. Used by tests and by whoever wants a bucket for a moment. Asserts
// invariant I5 on demand and injects faults by rule. A capability that is off is a server
// that ignores the condition; one exception: without nested_keys a key below (or above)
// another object's is refused.
class MemoryStore : public ObjectStore {
 public:
  struct Options {
    Capabilities capabilities;       // multipart is set by the store
    std::uint32_t page_size = 1000;  // listings never return more
    bool require_preconditions =
        false;  // every put, complete and remove without one throws kInternal
    // Tokens as S3 makes them: the content's MD5, or that of the part MD5s and "-N". The
    // same bytes then have the same token, and listings carry the MD5 only as a
    // candidate.
    bool content_tokens = false;
    // As Google's media answers: GET tells no metadata, HEAD and LIST do.
    bool silent_get = false;
    // As Azure: content type, class and metadata are those of complete_upload.
    bool properties_at_complete = false;
    bool versioned = false;              // old versions stay readable by version_id
    const base::Clock* clock = nullptr;  // system clock when absent
  };
  MemoryStore();
  explicit MemoryStore(Options options);
  ~MemoryStore() override;

  // Called before (after = false) and after each operation took effect, with its name
  // ("put", "upload_part") and key; throwing makes the call fail at that moment. A
  // listing's key is its prefix. remove_many has key ""; it also calls "remove_many_key"
  // before each key, where throwing becomes that key's own error. Called without locks
  // held; must be thread-safe itself.
  using Fault = std::function<void(const std::string& operation, const std::string& key,
                                   bool after)>;
  void set_fault(Fault fault);
  // The next get delivers this many bytes and then fails with kUnavailable.
  void break_next_body_after(std::uint64_t bytes);
  std::uint64_t operations(
      const std::string& name) const;  // how often that operation was called
  // A writer beside us: no precondition, no fault, no count.
  VersionToken put_directly(const std::string& key, const std::string& content,
                            const Metadata& metadata = {});
  void remove_directly(const std::string& key);
  std::optional<std::string> content(const std::string& key) const;
  void archive(const std::string& key);

  const Capabilities& capabilities() const override;
  std::string describe() const override;
  // It asks the same clock.
  std::optional<std::int64_t> clock_offset_ns() override { return 0; }
  ListPage list(const ListRequest&, const CallContext&) override;
  std::optional<ObjectInfo> head(const ObjectKey&, const CallContext&) override;
  Tags tags(const ObjectKey&, const CallContext&) override;
  GetResult get(const GetRequest&, ByteSink&, const CallContext&) override;
  PutResult put(const PutRequest&, ByteSource&, const CallContext&) override;
  DeleteResult remove(const DeleteRequest&, const CallContext&) override;
  std::vector<DeleteResult> remove_many(std::span<const DeleteRequest>,
                                        const CallContext&) override;
  PutResult copy(const CopyRequest&, const CallContext&) override;
  BucketInfo describe_bucket(const CallContext&) override;
  MultipartStore* multipart() override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cloudsync::storage

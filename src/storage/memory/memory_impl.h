// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/memory/memory_bucket.h"
#include "storage/memory/memory_store.h"

namespace cloudsync::storage {

// The fault rule and the counts; its own lock, so that a rule may call back into the
// store.
class FaultPoint {
 public:
  void set(MemoryStore::Fault fault);
  void before(const std::string& operation, const std::string& key);
  void after(const std::string& operation, const std::string& key) {
    call(operation, key, true);
  }
  // Without a count: a step inside an operation.
  void step(const std::string& operation, const std::string& key) {
    call(operation, key, false);
  }
  std::uint64_t count(const std::string& operation) const;

 private:
  void call(const std::string& operation, const std::string& key, bool after);
  mutable std::mutex mutex_;
  std::shared_ptr<const MemoryStore::Fault> fault_;
  std::map<std::string, std::uint64_t> counts_;
};

// The whole body, checked against every checksum that came along. Throws kDataCorrupt.
struct BodyChecks {
  std::optional<Md5Digest> md5;
  std::optional<Sha256Digest> sha256;
  std::optional<std::uint64_t> crc64nvme;
  std::optional<std::uint32_t> crc32c;
};
std::string read_checked(ByteSource& source, const BodyChecks& checks,
                         const CallContext& context);

class MemoryUploads final : public MultipartStore {
 public:
  MemoryUploads(memory::MemoryBucket& bucket, FaultPoint& faults,
                const MemoryStore::Options& options)
      : bucket_(bucket), faults_(faults), options_(options) {}

  UploadId begin_upload(const BeginUploadRequest&, const CallContext&) override;
  PartReceipt upload_part(const PartRequest&, ByteSource&, const CallContext&) override;
  PartReceipt copy_part(const CopyPartRequest&, const CallContext&) override;
  PutResult complete_upload(const CompleteRequest&, const CallContext&) override;
  void abort_upload(const ObjectKey&, const UploadId&, const CallContext&) override;
  std::optional<std::vector<PartReceipt>> list_parts(const ObjectKey&, const UploadId&,
                                                     const CallContext&) override;
  std::vector<UploadInfo> list_uploads(const std::string& prefix,
                                       const CallContext&) override;

 private:
  struct Part {
    std::string content;
    Md5Digest md5{};
  };
  struct Upload {
    BeginUploadRequest request;
    std::int64_t initiated_ns = 0;
    std::map<std::uint32_t, Part> parts;
  };
  Upload* find(const ObjectKey& key, const UploadId& id);
  Upload& require(const ObjectKey& key, const UploadId& id);
  void require_next(const PartRequest& request);
  PartReceipt add_part(const ObjectKey& key, const UploadId& id, std::uint32_t number,
                       std::string content);
  memory::NewObject assemble(const CompleteRequest& request, const Upload& upload) const;
  void require_part(const PartReceipt& receipt, const Upload& upload, bool is_last) const;

  memory::MemoryBucket& bucket_;
  FaultPoint& faults_;
  const MemoryStore::Options& options_;
  std::map<std::string, Upload> uploads_;  // guarded by bucket_.mutex
  std::uint64_t next_id_ = 0;
};

struct MemoryStore::Impl {
  explicit Impl(Options given) : options(std::move(given)), bucket(options) {
    options.capabilities.multipart = true;
  }
  void require_condition(bool present, const std::string& what) const;

  Options options;
  memory::MemoryBucket bucket;
  FaultPoint faults;
  MemoryUploads uploads{bucket, faults, options};
  std::optional<std::uint64_t> break_after;  // guarded by bucket.mutex
};

}  // namespace cloudsync::storage

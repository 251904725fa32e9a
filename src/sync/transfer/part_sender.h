// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "sync/transfer/part_buffers.h"
#include "sync/transfer/part_plan.h"
#include "sync/transfer/upload_resume.h"
#include "sync/transfer/urgent_group.h"

namespace cloudsync::sync {

// Sends one file's parts. The calling thread reads the file once, in order: it fills the
// part buffers and hashes the whole content; the parts go out as urgent tasks. A part
// that the server already holds is read and hashed all the same, and its bytes must prove
// equal.
class PartSender {
 public:
  PartSender(TransferEnvironment& environment, const UploadJob& job,
             const UploadTry& attempt, const UploadSession& session,
             const CallContext& context);

  enum class End {
    kSent,
    kSourceChanged,
    kDoubt,  // a part that should be there does not hold the file's bytes
  };
  // Throws the first error of a part; parts that are done stay recorded.
  End send();

  // Valid after kSent.
  ContentDigests digests() const { return digests_; }
  const std::vector<storage::PartReceipt>& receipts() const { return receipts_; }
  std::optional<std::uint64_t> combined_crc() const;
  std::uint64_t sent_bytes() const { return sent_bytes_; }

 private:
  End read_all();
  void submit(std::uint32_t number, std::byte* buffer);
  enum class Proof { kEqual, kDifferent, kNone };
  struct PartChecks {
    std::optional<std::uint64_t> crc64nvme;
    std::optional<Md5Digest> md5;
  };
  void handle_part(std::uint32_t number, Bytes content);
  Proof compare_known(const KnownPart& known, Bytes content, PartChecks& checks) const;
  void send_part(std::uint32_t number, Bytes content, PartChecks checks);
  void keep(storage::PartReceipt receipt, const PartChecks& checks);

  TransferEnvironment& environment_;
  const UploadJob& job_;
  const UploadTry& attempt_;
  const UploadSession& session_;
  const CallContext& context_;
  PartPlan plan_;
  bool use_crc_;
  bool in_order_;  // the next part is read while one is on its way, and sent after it
  ContentDigests digests_;
  std::vector<storage::PartReceipt>
      receipts_;  // by number - 1; each written by its own task
  std::atomic<std::uint64_t> sent_bytes_{0};
  std::atomic<bool> doubt_{false};
  // Last: their destructors wait for the tasks that use the members above.
  PartBuffers buffers_;
  UrgentGroup group_;
};

}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "storage/gcs/gcs_client.h"
#include "storage/gcs/gcs_requests.h"
#include "storage/gcs/gcs_session.h"
#include "storage/object_store.h"

namespace cloudsync::storage::gcs {

// Objects in parts: one resumable session each, its parts sent in order. The service is
// asked what it keeps only where that is in doubt. Borrows client and builder from the
// store.
class GcsSessions final : public MultipartStore {
 public:
  GcsSessions(GcsClient& client, const RequestBuilder& build)
      : client_(client), build_(build) {}

  // A condition that fails already now throws kPreconditionFailed.
  UploadId begin_upload(const BeginUploadRequest& request,
                        const CallContext& context) override;
  PartReceipt upload_part(const PartRequest& request, ByteSource& source,
                          const CallContext& context) override;
  PartReceipt copy_part(const CopyPartRequest& request,
                        const CallContext& context) override;
  // The condition is the one of the beginning; another one is kPreconditionFailed.
  PutResult complete_upload(const CompleteRequest& request,
                            const CallContext& context) override;
  void abort_upload(const ObjectKey& key, const UploadId& upload,
                    const CallContext& context) override;
  std::optional<std::vector<PartReceipt>> list_parts(const ObjectKey& key,
                                                     const UploadId& upload,
                                                     const CallContext& context) override;
  std::vector<UploadInfo> list_uploads(const std::string& prefix,
                                       const CallContext& context) override;

 private:
  // One call's view of a session, which is its own until it ends.
  struct Call {
    const ObjectKey& key;
    const UploadId& upload;
    SessionId session;
    std::shared_ptr<SessionState> state;
    std::unique_lock<std::mutex> lock;
    const CallContext& context;
  };
  struct Status {
    bool gone = false;
    std::uint64_t persisted = 0;
    std::optional<ObjectInfo> object;  // complete
  };

  Call open(const ObjectKey& key, const UploadId& upload, const CallContext& context);
  [[noreturn]] void throw_gone(const Call& call, const std::string& why);
  [[noreturn]] void throw_took_nothing(const Call& call) const;
  void keep_tail(const Call& call, std::uint64_t offset, ByteSource& source) const;
  void send_part(const Call& call, std::uint64_t offset, ByteSource& source);
  std::uint64_t persisted(const Call& call);
  Status ask(const Call& call);
  void remove_fragment(const Call& call, const ObjectInfo& fragment);
  // The object when the chunk completed it; state.persisted says what is kept else.
  std::optional<ObjectInfo> send_chunk(const Call& call, const Chunk& chunk,
                                       ByteSource& body, Outcome& outcome);
  // Whether the session was begun with this condition.
  bool holds_condition(const Call& call, const Precondition& condition) const;
  std::optional<ObjectInfo> publish(const Call& call, const CompleteRequest& request,
                                    Outcome& outcome);
  std::optional<ObjectInfo> send_tail(const Call& call, const std::string& hashes,
                                      Outcome& outcome);
  void verify(const Call& call, const CompleteRequest& request,
              const ObjectInfo& stored) const;

  GcsClient& client_;
  const RequestBuilder& build_;
  SessionTable table_;
};

}  // namespace cloudsync::storage::gcs

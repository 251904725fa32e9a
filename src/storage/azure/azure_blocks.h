// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "storage/azure/azure_client.h"
#include "storage/azure/azure_requests.h"
#include "storage/object_store.h"

namespace cloudsync::storage::azure {

// Blobs in blocks. The service knows no uploads: an upload is the nonce in the ids of its
// blocks, so beginning one asks for nothing, one without blocks cannot be told from one
// that is gone, and an aborted one's blocks vanish by themselves within a week. (The only
// way to drop them earlier would be to commit something under this name.) Borrows client
// and builder from the store.
class AzureBlocks final : public MultipartStore {
 public:
  AzureBlocks(AzureClient& client, const RequestBuilder& build)
      : client_(client), build_(build) {}

  UploadId begin_upload(const BeginUploadRequest& request,
                        const CallContext& context) override;
  // The receipt's ETag is the block's id.
  PartReceipt upload_part(const PartRequest& request, ByteSource& source,
                          const CallContext& context) override;
  // Throws Error{kUnsupported}.
  PartReceipt copy_part(const CopyPartRequest& request,
                        const CallContext& context) override;
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
  bool is_aborted(const UploadId& upload);
  void throw_if_aborted(const UploadId& upload);

  AzureClient& client_;
  const RequestBuilder& build_;
  std::mutex mutex_;
  // A straggler of an aborted upload must not publish it. Guarded by mutex_.
  std::set<std::string> aborted_;
};

}  // namespace cloudsync::storage::azure

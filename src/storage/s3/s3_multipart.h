// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storage/object_store.h"
#include "storage/s3/s3_client.h"
#include "storage/s3/s3_requests.h"

namespace cloudsync::storage::s3 {

// Objects in parts. Borrows client and builder from the store.
class S3Multipart final : public MultipartStore {
 public:
  S3Multipart(S3Client& client, const RequestBuilder& build)
      : client_(client), build_(build) {}

  UploadId begin_upload(const BeginUploadRequest& request,
                        const CallContext& context) override;
  PartReceipt upload_part(const PartRequest& request, ByteSource& source,
                          const CallContext& context) override;
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
  S3Client& client_;
  const RequestBuilder& build_;
};

}  // namespace cloudsync::storage::s3

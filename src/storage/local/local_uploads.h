// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storage/local/local_layout.h"
#include "storage/local/local_records.h"
#include "storage/object_store.h"

namespace cloudsync::storage::local {

// Uploads in parts: a folder per upload below .cloudsync-store/uploads with what was
// asked for in upload.json and one file per part, named by number and MD5, so that
// listing them reads no content.
class LocalUploads final : public MultipartStore {
 public:
  explicit LocalUploads(BucketFolder& folder) : folder_(folder) {}

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
  struct Description {
    ObjectKey key;
    std::int64_t initiated_ns = 0;
    Record record;
  };
  static std::optional<Description> describe(int bucket, const UploadId& id);
  Description require(int bucket, const ObjectKey& key, const UploadId& id) const;
  UniqueFd open_bucket(const ObjectKey& key, const UploadId& id) const;
  void append_parts(int bucket, const CompleteRequest& request, int to) const;

  BucketFolder& folder_;
};

}  // namespace cloudsync::storage::local

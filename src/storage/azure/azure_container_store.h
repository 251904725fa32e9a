// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "storage/azure/azure_blocks.h"
#include "storage/azure/azure_client.h"
#include "storage/azure/azure_copy.h"
#include "storage/azure/azure_deletions.h"
#include "storage/azure/azure_requests.h"
#include "storage/object_store.h"

namespace cloudsync::storage::azure {

// The store; made by make_azure_store().
class AzureStore final : public ObjectStore {
 public:
  AzureStore(AzureConfig config, AzureDependencies dependencies);

  const Capabilities& capabilities() const override {
    return client_.config().capabilities;
  }
  std::string describe() const override;
  // Always from the beginning or a page token: `start_after` is for stores that say they
  // know it, and Azure's markers cannot be made up.
  ListPage list(const ListRequest& request, const CallContext& context) override;
  std::optional<ObjectInfo> head(const ObjectKey& key,
                                 const CallContext& context) override;
  Tags tags(const ObjectKey& key, const CallContext& context) override;
  GetResult get(const GetRequest& request, ByteSink& sink,
                const CallContext& context) override;
  PutResult put(const PutRequest& request, ByteSource& source,
                const CallContext& context) override;
  DeleteResult remove(const DeleteRequest& request, const CallContext& context) override;
  std::vector<DeleteResult> remove_many(std::span<const DeleteRequest> requests,
                                        const CallContext& context) override;
  PutResult copy(const CopyRequest& request, const CallContext& context) override;
  BucketInfo describe_bucket(const CallContext& context) override;
  std::optional<std::int64_t> clock_offset_ns() override {
    return client_.server_clock().offset_ns();
  }
  MultipartStore* multipart() override { return &blocks_; }

 private:
  GetResult get_nothing(const GetRequest& request, const CallContext& context);
  GetResult refused_get(const GetRequest& request, const AzureRequest& built,
                        const AzureAnswer& answer, const CallContext& context);
  GetResult body_delivered(const GetRequest& request,
                           const http::HttpResponse& response) const;
  Tags tags_to_copy(const ObjectInfo& source, const CallContext& context);
  BucketInfo ask_by_listing(const CallContext& context);

  AzureClient client_;
  RequestBuilder build_;
  AzureBlocks blocks_;
  AzureDeletions deletions_;
};

}  // namespace cloudsync::storage::azure

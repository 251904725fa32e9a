// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "storage/azure/azure_client.h"
#include "storage/azure/azure_requests.h"
#include "storage/object_store.h"

namespace cloudsync::storage::azure {

// Copy Blob, which the service may carry out after it has answered: then the destination
// is asked until it has ended. Borrows client and builder.
class AzureCopy {
 public:
  AzureCopy(AzureClient& client, const RequestBuilder& build)
      : client_(client), build_(build) {}

  // `source` is what HEAD says of it: the copy would get the account's tier, not its own,
  // and no tags.
  PutResult run(const CopyRequest& request, const ObjectInfo& source, const Tags& tags,
                const CallContext& context);

 private:
  PutResult await_end(const CopyRequest& request, const std::string& copy_id,
                      const CallContext& context);
  http::HttpResponse ask(const AzureRequest& head, const CallContext& context);
  void remove_wreck(const CopyRequest& request, const http::HttpResponse& destination,
                    const CallContext& context);
  [[noreturn]] void give_up(const CopyRequest& request,
                            const http::HttpResponse& destination,
                            const CallContext& context);

  AzureClient& client_;
  const RequestBuilder& build_;
};

}  // namespace cloudsync::storage::azure

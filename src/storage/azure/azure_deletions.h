// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <span>
#include <string>
#include <vector>

#include "storage/azure/azure_batch.h"
#include "storage/azure/azure_client.h"
#include "storage/azure/azure_requests.h"
#include "storage/object_store.h"

namespace cloudsync::storage::azure {

// Deleting one blob, and many in one batch. Where the service refuses batches as such, it
// is not asked for one again. Thread-safe; borrows client and builder from the store.
class AzureDeletions {
 public:
  AzureDeletions(AzureClient& client, const RequestBuilder& build)
      : client_(client), build_(build) {}

  DeleteResult remove(const DeleteRequest& request, const CallContext& context);
  std::vector<DeleteResult> remove_many(std::span<const DeleteRequest> requests,
                                        const CallContext& context);

 private:
  struct Slot {
    const DeleteRequest* request = nullptr;
    DeleteResult* result = nullptr;
    AzureRequest built = {};
    bool answered = false;
  };

  DeleteResult outcome_of(const AzureRequest& built, const DeleteRequest& request,
                          const AzureAnswer& answer) const;
  void remove_into(Slot& slot, const CallContext& context);
  // False when the service does not take batches, or not from these credentials.
  bool remove_batch(std::span<Slot> slots, const CallContext& context);
  std::string compose(std::span<Slot> slots, const std::string& boundary,
                      const CallContext& context);
  void read_parts(std::span<const BatchPart> parts, std::span<Slot> slots,
                  const CallContext& context);
  void settle(Slot& slot, const http::HttpResponse& response, const CallContext& context);

  AzureClient& client_;
  const RequestBuilder& build_;
  std::atomic<bool> batches_refused_{false};
};

}  // namespace cloudsync::storage::azure

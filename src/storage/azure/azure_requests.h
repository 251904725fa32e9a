// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/transport.h"
#include "storage/object_store.h"
#include "storage/rest/exchange.h"

namespace cloudsync::storage::azure {

// How messages name an operation, and the right of a SAS that it needs.
struct Operation {
  std::string_view name;
  std::string_view sas_right;
  bool writes = false;  // decides between the roles Reader and Contributor
};

// A request before it has an address, a date and an authorization.
struct AzureRequest {
  Operation operation;
  std::string_view method;
  std::string key;                                         // "" = the container itself
  std::vector<std::pair<std::string, std::string>> query;  // decoded
  http::Headers headers;                                   // lower-case names
  std::string body;  // where it is made here; else it is the caller's source
  int stall_seconds = 60;
  std::uint64_t max_body_bytes = rest::kMostAnswerBytes;
  bool fresh_connection = false;
};

// Builds requests; pure. Throws Error{kInvalidArgument} for what no request can carry:
// names and metadata that Azure forbids, two preconditions at once.
class RequestBuilder {
 public:
  // `storage_class` is the tier of writes that name none.
  explicit RequestBuilder(std::string storage_class)
      : storage_class_(std::move(storage_class)) {}

  AzureRequest list(const ListRequest& request) const;
  AzureRequest head(const ObjectKey& key,
                    const std::optional<VersionToken>& if_match = {}) const;
  AzureRequest get_tags(const ObjectKey& key) const;
  AzureRequest get(const GetRequest& request) const;
  AzureRequest put(const PutRequest& request) const;
  AzureRequest remove(const DeleteRequest& request) const;
  // `body` holds the sub-requests, between lines of `boundary`.
  AzureRequest batch(const std::string& boundary, std::string body) const;
  // `source` is a URL the service may read, `tier` and `tags` the source's: the service
  // would leave them behind.
  AzureRequest copy(const CopyRequest& request, const std::string& source,
                    const std::string& tier, const Tags& tags = {}) const;
  AzureRequest container_properties() const;

  AzureRequest put_block(const PartRequest& request) const;
  AzureRequest put_block_list(const CompleteRequest& request) const;
  AzureRequest get_block_list(const ObjectKey& key) const;

 private:
  template <class Request>
  void add_attributes(AzureRequest& out, const Request& request) const;
  void add_tier(AzureRequest& out, const std::string& storage_class) const;

  std::string storage_class_;
};

}  // namespace cloudsync::storage::azure

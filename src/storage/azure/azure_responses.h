// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http/transport.h"
#include "storage/azure/azure_errors.h"
#include "storage/object_store.h"

namespace cloudsync::storage::azure {

// XML answers. Each parser checks the root element and every field it needs: an answer
// that was cut or comes from something that is not Azure throws Error{kUnavailable} and
// never looks like a short one. Bodies are taken by value because they are parsed in
// place.

// Without directories (see is_directory), snapshots and deleted blobs.
// A page of another prefix than was asked for is unreadable.
ListPage parse_list(std::string body, std::string_view prefix);

struct ListedBlock {
  std::string id;  // base64
  std::uint64_t size = 0;
};
// The uncommitted ones.
std::vector<ListedBlock> parse_block_list(std::string body);

// Status, headers and, where there is one, the error document.
ServiceFailure parse_failure(const http::HttpResponse& response);

}  // namespace cloudsync::storage::azure

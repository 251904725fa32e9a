// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "storage/azure/azure_requests.h"
#include "storage/rest/wire_values.h"

namespace cloudsync::storage::azure {

// The pieces that requests are written with.

// The service may need minutes to answer a copy or a commit of many blocks.
inline constexpr int kLongStallSeconds = 300;

AzureRequest make_request(Operation operation, std::string_view method);
// Throws Error{kInvalidArgument} for a name that Azure forbids.
AzureRequest make_blob_request(Operation operation, std::string_view method,
                               const ObjectKey& key);

using rest::byte_range;
using rest::quoted;
using rest::unquoted;  // the listed ETag has no quotes, the header has
void add_condition(AzureRequest& out, const Precondition& condition);

// As x-ms-content-crc64 wants it: eight bytes, lowest first.
std::string crc64_base64(std::uint64_t crc);

// 8-4-4-4-12 digits from 32.
std::string guid_of(const std::string& hex32);

}  // namespace cloudsync::storage::azure

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/transport.h"

namespace cloudsync::storage::azure {

// The multipart/mixed bodies of batches; pure.

// Each request as AzureClient::sub_request writes it; its place becomes its Content-ID.
std::string compose_batch(const std::string& boundary,
                          std::span<const std::string> sub_requests);

struct BatchPart {
  std::optional<std::size_t> id;  // nothing where the service speaks of the whole batch
  http::HttpResponse http;
};

// Parts that make no sense are left out: a key without an answer is told as such. Throws
// Error{kUnavailable} when the body is no batch at all.
std::vector<BatchPart> parse_batch(std::string_view content_type, std::string_view body);

}  // namespace cloudsync::storage::azure

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/transport.h"

namespace cloudsync::storage::gcs {

// Many calls in one request: multipart/mixed, each part an HTTP message of its own.

// `targets` are path and query of one DELETE each.
std::string batch_body(std::span<const std::string> targets, const std::string& boundary);

// The answer to each of `calls` calls, in their order; nothing where there was none.
// Throws Error{kUnavailable} for a body that is no batch.
std::vector<std::optional<http::HttpResponse>> parse_batch(
    const http::HttpResponse& response, std::size_t calls);

}  // namespace cloudsync::storage::gcs

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "http/transport.h"
#include "storage/object_store.h"

namespace cloudsync::storage::rest {

// Whether the body of a GET is what was asked for. The first two belong before its first
// byte: a reader that goes on after a broken body would go on behind bytes from
// elsewhere.

// Throws Error{kUnsupported} when the body begins elsewhere than the range.
void check_range(const ByteRange& range, const http::HttpResponse& response);

// Not all servers know the condition on GET. Throws Error{kPreconditionFailed}.
void check_version(std::string_view sent, const VersionToken& asked);
// By the ETag header. Proxies that may recode a body mark its ETag as weak.
void check_etag(const http::HttpResponse& response, const VersionToken& asked);

// Throws Error{kUnavailable} for a body that ended early, Error{kUnsupported} for one
// that is longer than asked for.
void check_length(const GetRequest& request, const GetResult& result);

}  // namespace cloudsync::storage::rest

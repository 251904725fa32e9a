// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/transport.h"
#include "storage/object_store.h"
#include "storage/rest/header_values.h"
#include "storage/s3/s3_errors.h"

namespace cloudsync::storage::s3 {

// What the headers of an answer say.

using rest::content_range;

// Only an ETag of exactly 32 hex digits can be an MD5; those of multipart objects have
// "-N".
std::optional<Md5Digest> md5_from_etag(std::string_view etag);

bool is_archive_class(std::string_view storage_class);

// Of HEAD and GET. Throws Error{kUnavailable} when there is no ETag, size or time.
ObjectInfo object_info(const http::HttpResponse& response, const ObjectKey& key);

// Of PUT, and of the other writes once their ETag is known. `now_ns` stands in for a
// missing Date.
PutResult put_result(const http::HttpResponse& response, std::string_view etag,
                     std::int64_t now_ns);

// Status, request id, region, time and Retry-After.
ServiceFailure failure_from_headers(const http::HttpResponse& response);

}  // namespace cloudsync::storage::s3

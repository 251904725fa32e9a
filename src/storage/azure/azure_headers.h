// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/transport.h"
#include "storage/azure/azure_errors.h"
#include "storage/object_store.h"
#include "storage/rest/header_values.h"

namespace cloudsync::storage::azure {

// What the headers of an answer say.

using rest::content_range;
using rest::md5_from_base64;
using rest::parse_number;

// Of HEAD and GET. Throws Error{kUnavailable} when there is no ETag, size or time, and
// while a server-side copy into the blob has not ended: its content is not there yet.
ObjectInfo object_info(const http::HttpResponse& response, const ObjectKey& key);

// A directory of an account with hierarchical namespace, or what some tools put in its
// place on others: no file. Markers that end in '/' are not meant.
bool is_directory(const ObjectInfo& info);

// Of writes. Throws Error{kUnavailable} without an ETag. `now_ns` stands in for missing
// times.
PutResult put_result(const http::HttpResponse& response, std::int64_t now_ns);

struct CopyState {
  std::string id;
  std::string status;       // pending, success, aborted, failed
  std::string description;  // of a failure
};
CopyState copy_state(const http::HttpResponse& response);

// Status, code, request id, time and Retry-After.
ServiceFailure failure_from_headers(const http::HttpResponse& response);

}  // namespace cloudsync::storage::azure

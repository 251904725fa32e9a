// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/transport.h"
#include "storage/azure/azure_errors.h"
#include "storage/object_store.h"

namespace cloudsync::storage::azure {

// What the headers of an answer say.

std::optional<std::uint64_t> parse_number(std::string_view digits);
std::optional<Md5Digest> md5_from_base64(std::string_view text);

// "bytes first-last/total".
struct ContentRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t total = 0;
};
std::optional<ContentRange> content_range(const http::HttpResponse& response);

// Of HEAD and GET. Throws Error{kUnavailable} when there is no ETag, size or time, and
// while a server-side copy into the blob has not ended: its content is not there yet.
ObjectInfo object_info(const http::HttpResponse& response, const ObjectKey& key);

// A directory of an account with hierarchical namespace, or what some tools put in its
// place on others: no file. Markers that end in '/' are not meant.
bool is_directory(const ObjectInfo& info);

// Of writes. Throws Error{kUnavailable} without an ETag. `now_ns` stands in for missing
// times.
PutResult put_result(const http::HttpResponse& response, std::int64_t now_ns);
// A write that did not happen.
PutResult put_outcome(Outcome outcome);

struct CopyState {
  std::string id;
  std::string status;       // pending, success, aborted, failed
  std::string description;  // of a failure
};
CopyState copy_state(const http::HttpResponse& response);

// Status, code, request id, time and Retry-After.
ServiceFailure failure_from_headers(const http::HttpResponse& response);

}  // namespace cloudsync::storage::azure

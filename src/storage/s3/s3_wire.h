// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/encoding.h"
#include "storage/object_store.h"
#include "storage/rest/wire_values.h"
#include "storage/s3/s3_requests.h"

namespace cloudsync::storage::s3 {

// The pieces that requests are written with.

// The service may need minutes to answer a copy or a completion, with nothing but blanks
// in between.
inline constexpr int kLongStallSeconds = 300;

S3Request make_request(Operation operation, std::string_view method);
// Throws Error{kInvalidArgument} for an empty key.
S3Request make_object_request(Operation operation, std::string_view method,
                              const ObjectKey& key);

using rest::base64_big_endian;
using rest::byte_range;
using rest::quoted;
void add_condition(S3Request& out, const Precondition& condition);

// S3 takes one x-amz-checksum header a request, so the stronger one goes.
template <class Request>
void add_checksums(S3Request& out, const Request& request) {
  if (request.md5) out.headers.emplace_back("content-md5", base::to_base64(*request.md5));
  if (request.crc64nvme) {
    out.headers.emplace_back("x-amz-checksum-crc64nvme",
                             base64_big_endian(*request.crc64nvme));
  } else if (request.crc32c) {
    out.headers.emplace_back("x-amz-checksum-crc32c", base64_big_endian(*request.crc32c));
  }
}

void append_element(std::string& xml, std::string_view name, std::string_view text);

}  // namespace cloudsync::storage::s3

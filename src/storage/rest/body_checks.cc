// SPDX-License-Identifier: Apache-2.0
#include "storage/rest/body_checks.h"

#include "cloudsync/error.h"
#include "storage/rest/header_values.h"

#include <algorithm>
#include <string>

namespace cloudsync::storage::rest {
namespace {

// Bytes of the object that the range covers.
std::uint64_t clipped_length(const ByteRange& range, std::uint64_t size) {
  return range.offset >= size ? 0 : std::min(range.length, size - range.offset);
}

}  // namespace

void check_range(const ByteRange& range, const http::HttpResponse& response) {
  const auto sent = content_range(response);
  // 200: the whole object from its start.
  const std::uint64_t first = sent ? sent->first : 0;
  if (first == range.offset) return;
  throw Error(ErrorCode::kUnsupported,
              "the server ignored the range and sent other bytes than asked for");
}

void check_version(std::string_view sent, const VersionToken& asked) {
  if (sent == asked.value) return;
  throw Error(ErrorCode::kPreconditionFailed,
              "the server sent another version than the one asked for");
}

void check_etag(const http::HttpResponse& response, const VersionToken& asked) {
  std::string_view etag = response.header("etag").value_or("");
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  check_version(unquoted(etag), asked);
}

void check_length(const GetRequest& request, const GetResult& result) {
  if (result.outcome != Outcome::kOk) return;  // it has no body
  const std::uint64_t expected =
      request.range ? clipped_length(*request.range, result.info.size) : result.info.size;
  if (result.body_bytes < expected) {
    throw Error(ErrorCode::kUnavailable, "the body ended after " +
                                             std::to_string(result.body_bytes) + " of " +
                                             std::to_string(expected) + " bytes");
  }
  if (result.body_bytes > expected) {
    throw Error(ErrorCode::kUnsupported, "the server sent more bytes than asked for");
  }
}

}  // namespace cloudsync::storage::rest

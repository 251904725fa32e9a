// SPDX-License-Identifier: Apache-2.0
#include "storage/rest/wire_values.h"

#include "cloudsync/error.h"

#include <algorithm>
#include <charconv>

namespace cloudsync::storage::rest {

// The code is that of is_unreadable_answer(): asking again would not help.
void unreadable(const std::string& what) {
  throw Error(ErrorCode::kUnavailable, "unreadable answer: " + what,
              ServiceDetail{0, "UnreadableAnswer", "", {}})
      .with_retryable(false);
}

std::optional<std::uint64_t> parse_number(std::string_view digits) {
  std::uint64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto result = std::from_chars(digits.data(), end, value);
  if (result.ec != std::errc{} || result.ptr != end) return std::nullopt;
  return value;
}

std::uint64_t checked_size(std::uint64_t size) {
  if (size >> 63 != 0) unreadable("a size that no object has");
  return size;
}

std::string quoted(const std::string& etag) {
  std::string text;
  text.reserve(etag.size() + 2);
  text += '"';
  text += etag;
  text += '"';
  return text;
}

std::string unquoted(std::string_view etag) {
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') {
    etag = etag.substr(1, etag.size() - 2);
  }
  return std::string(etag);
}

std::string byte_range(const ByteRange& range) {
  return "bytes=" + std::to_string(range.offset) + "-" +
         std::to_string(range.offset + range.length - 1);
}

std::optional<Md5Digest> md5_from_base64(std::string_view text) {
  const auto bytes = base::from_base64(text);
  Md5Digest digest;
  if (!bytes || bytes->size() != digest.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), digest.begin());
  return digest;
}

PutResult put_outcome(Outcome outcome) {
  PutResult result;
  result.outcome = outcome;
  return result;
}

}  // namespace cloudsync::storage::rest

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "storage/object_store.h"

namespace cloudsync::storage::rest {

// How HTTP services write single values.

// An answer that cannot be what was asked for: Error{kUnavailable}.
[[noreturn]] void unreadable(const std::string& what);

// Digits only.
std::optional<std::uint64_t> parse_number(std::string_view digits);

// What an answer says of an object's size: unreadable from 2^63 on, so that sizes can be
// added up and stored as signed numbers.
std::uint64_t checked_size(std::uint64_t size);

std::string quoted(const std::string& etag);
std::string unquoted(std::string_view etag);
// Of a Range header; the range is not empty.
std::string byte_range(const ByteRange& range);

std::optional<Md5Digest> md5_from_base64(std::string_view text);

// Checksums travel as their bytes, highest first.
template <class Integer>
std::string base64_big_endian(Integer value) {
  std::array<std::uint8_t, sizeof(Integer)> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(value >> (8 * (sizeof(Integer) - 1 - i)));
  }
  return base::to_base64(bytes);
}

template <class Integer>
std::optional<Integer> big_endian_base64(std::string_view text) {
  const auto bytes = base::from_base64(text);
  if (!bytes || bytes->size() != sizeof(Integer)) return std::nullopt;
  Integer value = 0;
  for (const std::uint8_t byte : *bytes) value = static_cast<Integer>(value << 8 | byte);
  return value;
}

// A write that did not happen.
PutResult put_outcome(Outcome outcome);

}  // namespace cloudsync::storage::rest

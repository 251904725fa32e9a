// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/byte_stream.h"
#include "http/transport.h"
#include "storage/object_store.h"

namespace cloudsync::storage::rest {

// Of an answer in XML or JSON that is kept whole.
inline constexpr std::uint64_t kMostAnswerBytes = std::uint64_t{16} << 20;
inline constexpr std::uint64_t kMostPageBytes = std::uint64_t{64} << 20;  // of a listing

// The body of a request and where that of the answer goes; neither is owned.
struct Streams {
  ByteSource* body = nullptr;
  ByteSink* sink = nullptr;
  std::function<void(const http::HttpResponse&)> before_body = {};
};

// What came back, and why it is no success where it is none.
template <class Failure>
struct Answer {
  http::HttpResponse http;
  std::optional<Failure> failure;
  bool ok() const { return !failure; }
  bool is(int status) const { return failure && failure->status == status; }
};

inline Bytes bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

// One without a body still has to say that its length is nought.
inline bool wants_body(std::string_view method) {
  return method == "PUT" || method == "POST";
}

}  // namespace cloudsync::storage::rest

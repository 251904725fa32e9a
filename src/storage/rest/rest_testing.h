// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/byte_stream.h"
#include "cloudsync/error.h"
#include "storage/storage_testing.h"

namespace cloudsync::storage::rest::testing {

using storage::testing::StringSink;

// Over text that outlives it.
inline MemorySource source_of(std::string_view text) {
  return MemorySource(std::as_bytes(std::span(text)));
}

// As auth::Environment asks for them.
inline auto environment_of(std::map<std::string, std::string> variables) {
  return [variables](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

template <class Fn>
Error error_of(Fn&& fn) {
  try {
    fn();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return Error(ErrorCode::kInternal, "nothing was thrown");
}

}  // namespace cloudsync::storage::rest::testing

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"

#include <cstdint>
#include <optional>
#include <string>

namespace cloudsync::auth::google {

// What a credential program printed.
// https://google.aip.dev/auth/4117
struct ExecutableAnswer {
  std::string token;                       // registered with base::redact_secret
  std::optional<std::int64_t> expires_ns;  // since the epoch
  std::string problem;  // "" = good; else why not: "answered with no JSON object"

  bool expired(const base::Clock& clock) const {
    return expires_ns && *expires_ns <= clock.now_ns();
  }
};

// Never throws: everything wrong is a problem.
ExecutableAnswer parse_executable_answer(const std::string& text);

}  // namespace cloudsync::auth::google

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/encoding.h"
#include "base/log.h"

namespace cloudsync::auth {

// What a service or a program said, fit for a message: some of them echo what they were
// given, some answer with a page.
inline std::string service_words(std::string_view text) {
  constexpr std::size_t kMost = 500;
  return base::printable(base::redacted(text.substr(0, 4 * kMost)).substr(0, kMost));
}

}  // namespace cloudsync::auth

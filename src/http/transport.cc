// SPDX-License-Identifier: Apache-2.0
#include "http/transport.h"

namespace cloudsync::http {

std::optional<std::string_view> HttpResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return std::nullopt;
}

}  // namespace cloudsync::http

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <curl/curl.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "http/transport.h"

namespace cloudsync::http {

// The request's header lines as the list libcurl reads. The text of all lines lies in one
// buffer that is kept from request to request, so a small upload costs no allocation
// here. The list is valid until the next call of build().
class HeaderLines {
 public:
  // Adds the lines that switch off libcurl's own defaults: "Accept" always (unless the
  // request has one) and "Expect" unless `expect_continue`. Throws
  // Error{kInvalidArgument} for a name or value that would break the request apart.
  curl_slist* build(const Headers& headers, bool expect_continue);

 private:
  void add(std::string_view name, std::string_view value);
  void add_line(std::string_view line);
  curl_slist* link();

  std::string text_;                  // zero-terminated lines, one after the other
  std::vector<std::size_t> offsets_;  // of each line in text_
  std::vector<curl_slist> nodes_;
};

bool equals_ignoring_case(std::string_view a, std::string_view b);

}  // namespace cloudsync::http

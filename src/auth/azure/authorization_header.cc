// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/authorization_header.h"

#include <algorithm>
#include <utility>

#include "http/ascii.h"

namespace cloudsync::auth {
namespace {

constexpr std::string_view kName = "authorization";

bool is_authorization(const http::Headers::value_type& header) {
  return header.first.size() == kName.size() &&
         std::equal(kName.begin(), kName.end(), header.first.begin(),
                    [](char a, char b) { return a == http::to_lower(b); });
}

}  // namespace

void set_authorization(http::HttpRequest& request, std::string value) {
  std::erase_if(request.headers, is_authorization);
  request.headers.emplace_back("Authorization", std::move(value));
}

std::string_view authorization_of(const http::HttpRequest& request) {
  const auto found =
      std::find_if(request.headers.begin(), request.headers.end(), is_authorization);
  return found == request.headers.end() ? std::string_view() : found->second;
}

}  // namespace cloudsync::auth

// SPDX-License-Identifier: Apache-2.0
#include "storage/rest/endpoint_url.h"

#include "base/encoding.h"
#include "cloudsync/error.h"
#include "http/ascii.h"

#include <algorithm>
#include <cctype>

namespace cloudsync::storage::rest {
namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

bool is_authority(std::string_view authority) {
  if (host_without_port(authority).empty()) return false;
  return std::all_of(authority.begin(), authority.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("-._:[]").find(c) != std::string_view::npos;
  });
}

}  // namespace

std::string_view host_without_port(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(0, authority.find(']') + 1);
  return authority.substr(0, authority.find(':'));
}

bool is_loopback(std::string_view host) {
  if (host == "[::1]" || host == "localhost" || host.ends_with(".localhost")) return true;
  return host.starts_with("127.") &&
         host.find_first_not_of("0123456789.") == std::string_view::npos;
}

EndpointUrl parse_endpoint(const std::string& url, const std::string& setting,
                           std::string_view excess) {
  // Before any message that quotes the URL.
  if (url.find_first_of("?#@ ") != std::string::npos) {
    refuse(setting + " must be scheme, host, port and path only: " + std::string(excess));
  }
  const std::string what = setting + ": '" + base::printable(url) + "' ";
  const std::size_t scheme_end = url.find("://");
  if (scheme_end == std::string::npos) {
    refuse(what + "needs http:// or https:// in front");
  }
  EndpointUrl out;
  out.scheme = url.substr(0, scheme_end);
  std::transform(out.scheme.begin(), out.scheme.end(), out.scheme.begin(),
                 http::to_lower);
  if (out.scheme != "http" && out.scheme != "https") {
    refuse(what + "is neither http nor https");
  }
  const std::string rest = url.substr(scheme_end + 3);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  out.authority = rest.substr(0, slash);
  out.path = rest.substr(slash);
  while (out.path.ends_with('/')) out.path.pop_back();
  if (!is_authority(out.authority)) refuse(what + "has no valid host name");
  return out;
}

}  // namespace cloudsync::storage::rest

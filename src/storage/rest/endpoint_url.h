// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace cloudsync::storage::rest {

// An endpoint taken apart.
struct EndpointUrl {
  std::string scheme;     // "http" or "https"
  std::string authority;  // host and port
  std::string path;       // without trailing slash
};

// Throws Error{kInvalidArgument} that begins with the setting's name. `excess` says what
// an endpoint must not have: what stands there may be a secret and is never repeated.
EndpointUrl parse_endpoint(const std::string& url, const std::string& setting,
                           std::string_view excess = "no user, query or fragment");

std::string_view host_without_port(std::string_view authority);

// Does what is sent there stay on this machine?
bool is_loopback(std::string_view host);

}  // namespace cloudsync::storage::rest

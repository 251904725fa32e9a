// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace cloudsync::storage::s3 {

// An endpoint taken apart.
struct EndpointUrl {
  std::string scheme;
  std::string authority;  // host and non-default port
  std::string path;       // without trailing slash
};

// Throws Error{kInvalidArgument} naming the setting.
EndpointUrl parse_endpoint(const std::string& url);

// Which of AWS's own endpoints.
struct EndpointVariant {
  bool dual_stack = false;
  bool fips = false;
  bool accelerate = false;
};

// The region "aws-global" is the endpoint from the time before regions.
EndpointUrl aws_endpoint(const std::string& region, const EndpointVariant& variant);

bool is_china(const std::string& region);
bool is_aws_host(std::string_view host);

std::string_view host_without_port(std::string_view authority);
bool is_ip_or_localhost(std::string_view host);
// Does what is sent there stay on this machine?
bool is_loopback(std::string_view host);

}  // namespace cloudsync::storage::s3

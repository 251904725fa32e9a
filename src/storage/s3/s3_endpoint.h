// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "storage/rest/endpoint_url.h"

namespace cloudsync::storage::s3 {

using rest::EndpointUrl;
using rest::host_without_port;
using rest::is_loopback;

// Without the default port. Throws Error{kInvalidArgument} naming the setting.
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

bool is_ip_or_localhost(std::string_view host);

}  // namespace cloudsync::storage::s3

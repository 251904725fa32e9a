// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/s3_endpoint.h"

#include <algorithm>
#include <array>

namespace cloudsync::storage::s3 {
namespace {

// Where the names of a partition's endpoints end:
// https://github.com/boto/botocore/blob/develop/botocore/data/partitions.json
struct Partition {
  std::string_view region_prefix;
  std::string_view suffix;
};
constexpr std::array kPartitions = {
    Partition{"cn-", "amazonaws.com.cn"},    Partition{"eusc-", "amazonaws.eu"},
    Partition{"us-iso-", "c2s.ic.gov"},      Partition{"us-isob-", "sc2s.sgov.gov"},
    Partition{"us-isof-", "csp.hci.ic.gov"}, Partition{"eu-isoe-", "cloud.adc-e.uk"},
    Partition{"", "amazonaws.com"},
};

std::string aws_suffix(const std::string& region) {
  const auto* found = std::find_if(kPartitions.begin(), kPartitions.end(),
                                   [&](const Partition& partition) {
                                     return region.starts_with(partition.region_prefix);
                                   });
  return std::string(found->suffix);
}

void strip_default_port(EndpointUrl& endpoint) {
  const std::string_view port = endpoint.scheme == "https" ? ":443" : ":80";
  if (endpoint.authority.ends_with(port)) {
    endpoint.authority.resize(endpoint.authority.size() - port.size());
  }
}

// One name for the whole world: the bucket's region stands in the signature only.
std::string accelerate_host(const std::string& region, bool dual_stack) {
  std::string host = "s3-accelerate";
  if (dual_stack) host += ".dualstack";
  if (dual_stack && region == "aws-global") host += ".us-east-1";
  return host + "." + aws_suffix(region);
}

}  // namespace

bool is_ip_or_localhost(std::string_view host) {
  if (host.empty() || host.front() == '[') return true;
  if (host == "localhost" || host.ends_with(".localhost")) return true;
  return std::all_of(host.begin(), host.end(),
                     [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

bool is_china(const std::string& region) { return region.starts_with("cn-"); }

bool is_aws_host(std::string_view host) {
  return std::any_of(kPartitions.begin(), kPartitions.end(),
                     [&](const Partition& partition) {
                       return host.size() > partition.suffix.size() &&
                              host.ends_with(partition.suffix) &&
                              host[host.size() - partition.suffix.size() - 1] == '.';
                     });
}

EndpointUrl aws_endpoint(const std::string& region, const EndpointVariant& variant) {
  if (variant.accelerate) {
    return {"https", accelerate_host(region, variant.dual_stack), ""};
  }
  const bool global = region == "aws-global";
  if (global && !variant.dual_stack && !variant.fips) {
    return {"https", "s3.amazonaws.com", ""};
  }
  std::string host = variant.fips ? "s3-fips" : "s3";
  if (variant.dual_stack) host += ".dualstack";
  host += "." + (global ? std::string("us-east-1") : region) + "." + aws_suffix(region);
  return {"https", host, ""};
}

EndpointUrl parse_endpoint(const std::string& url) {
  EndpointUrl endpoint = rest::parse_endpoint(url, "storage.endpoint_url");
  strip_default_port(endpoint);
  return endpoint;
}

}  // namespace cloudsync::storage::s3

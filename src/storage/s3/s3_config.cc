// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/s3_config.h"

#include "base/encoding.h"
#include "cloudsync/error.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <string_view>

namespace cloudsync::storage::s3 {
namespace {

constexpr char kDefaultRegion[] = "us-east-1";

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_alnum(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

// A bucket that may be a host name: S3's naming rules, of which dots need a second look.
bool is_dns_bucket(std::string_view bucket) {
  if (bucket.size() < 3 || bucket.size() > 63) return false;
  if (!is_lower_or_digit(bucket.front()) || !is_lower_or_digit(bucket.back()))
    return false;
  if (bucket.find("..") != std::string_view::npos) return false;
  return std::all_of(bucket.begin(), bucket.end(),
                     [](char c) { return is_lower_or_digit(c) || c == '-' || c == '.'; });
}

std::string_view host_without_port(std::string_view authority) {
  if (!authority.empty() && authority.front() == '[') {
    return authority.substr(0, authority.find(']') + 1);
  }
  return authority.substr(0, authority.find(':'));
}

bool is_ip_or_localhost(std::string_view host) {
  if (host.empty() || host.front() == '[') return true;
  if (host == "localhost" || host.ends_with(".localhost")) return true;
  return std::all_of(host.begin(), host.end(),
                     [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

bool is_aws_host(std::string_view host) {
  return host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
}

using Properties = auth::ProfileProperties;

std::string property(const Properties& properties, const std::string& name) {
  const auto found = properties.find(name);
  return found == properties.end() ? "" : found->second;
}

Properties section(const std::map<std::string, Properties>& sections,
                   const std::string& name) {
  const auto found = sections.find(name);
  return found == sections.end() ? Properties{} : found->second;
}

std::string variable(const auth::Environment& environment, const std::string& name) {
  return environment(name).value_or("");
}

std::string first_of(std::initializer_list<std::string> candidates) {
  for (const std::string& candidate : candidates) {
    if (!candidate.empty()) return candidate;
  }
  return "";
}

bool is_true(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text == "true";
}

struct Sources {
  const StorageOptions& options;
  const auth::Environment& environment;
  const auth::AwsConfigFiles& files;
  Properties profile;
};

std::string choose_endpoint(const Sources& from) {
  if (!from.options.endpoint_url.empty()) return from.options.endpoint_url;
  const std::string ignore =
      first_of({variable(from.environment, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"),
                property(from.profile, "ignore_configured_endpoint_urls")});
  if (is_true(ignore)) return "";
  const Properties services =
      section(from.files.services, property(from.profile, "services"));
  return first_of({variable(from.environment, "AWS_ENDPOINT_URL_S3"),
                   variable(from.environment, "AWS_ENDPOINT_URL"),
                   property(services, "s3.endpoint_url"),
                   property(from.profile, "endpoint_url")});
}

std::string choose_region(const Sources& from) {
  const std::string region =
      first_of({from.options.region, variable(from.environment, "AWS_REGION"),
                variable(from.environment, "AWS_DEFAULT_REGION"),
                property(from.profile, "region"), kDefaultRegion});
  if (!is_valid_region(region)) {
    refuse("storage.region: '" + base::printable(region) + "' is not a region name");
  }
  return region;
}

void check_bucket(const std::string& bucket) {
  if (bucket.empty()) refuse("storage.bucket is missing");
  if (bucket.starts_with("arn:")) {
    throw Error(ErrorCode::kUnsupported,
                "storage.bucket: ARNs are not supported; give the bucket's name or the "
                "access point's alias");
  }
  if (bucket.ends_with("--x-s3") || bucket.ends_with("--xa-s3")) {
    throw Error(ErrorCode::kUnsupported,
                "storage.bucket: '" + bucket +
                    "' is a directory bucket (S3 Express), whose listings are not in key "
                    "order; use a general purpose bucket");
  }
}

// One label of a wildcard certificate covers one label of the name, so a dotted bucket
// cannot be a host name over TLS.
bool must_use_path_style(const S3Config& config, std::string_view host) {
  if (is_ip_or_localhost(host) || !is_dns_bucket(config.bucket)) return true;
  return config.https && config.bucket.find('.') != std::string::npos;
}

bool choose_path_style(const S3Config& config, const Sources& from,
                       std::string_view host) {
  std::string style = from.options.addressing_style;
  if (style.empty() || style == "auto") {
    style = first_of({property(from.profile, "s3.addressing_style"), "auto"});
  }
  if (style != "auto" && style != "path" && style != "virtual") {
    refuse("storage.addressing_style: '" + base::printable(style) +
           "' is not one of auto, path, virtual");
  }
  if (style == "path" || must_use_path_style(config, host)) return true;
  return style == "auto" && !config.aws;
}

// Custom endpoints: everything is assumed and sent, nothing is declared; the probe finds
// out.
Capabilities capabilities_of(bool aws) {
  Capabilities capabilities;
  capabilities.declared = aws;
  capabilities.conditional_batch_delete = true;
  capabilities.conditional_copy_destination = true;
  capabilities.crc64nvme = aws;
  capabilities.crc32c = aws;
  capabilities.multipart = true;
  capabilities.max_object = (aws ? 50ULL : 5ULL) << 40;
  return capabilities;
}

std::string aws_suffix(const std::string& region) {
  return region.starts_with("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
}

EndpointUrl aws_endpoint(const std::string& region) {
  if (region == "aws-global") return {"https", "s3.amazonaws.com", ""};
  return {"https", "s3." + region + "." + aws_suffix(region), ""};
}

EndpointUrl endpoint_in_region(const S3Config& config, const std::string& region) {
  if (config.custom_endpoint.empty()) return aws_endpoint(region);
  return parse_endpoint(config.custom_endpoint);
}

void strip_default_port(EndpointUrl& endpoint) {
  const std::string_view port = endpoint.scheme == "https" ? ":443" : ":80";
  if (endpoint.authority.ends_with(port)) {
    endpoint.authority.resize(endpoint.authority.size() - port.size());
  }
}

bool is_authority(std::string_view authority) {
  if (authority.empty() || host_without_port(authority).empty()) return false;
  return std::all_of(authority.begin(), authority.end(), [](char c) {
    return is_alnum(c) || std::string_view("-._:[]").find(c) != std::string_view::npos;
  });
}

}  // namespace

bool is_valid_region(const std::string& region) {
  if (region.empty() || region.size() > 63) return false;
  if (region.front() == '-' || region.front() == '.') return false;
  return std::all_of(region.begin(), region.end(),
                     [](char c) { return is_alnum(c) || c == '-' || c == '.'; });
}

EndpointUrl parse_endpoint(const std::string& url) {
  // Before any message that quotes the URL: what stands there may be a password.
  if (url.find_first_of("?#@ ") != std::string::npos) {
    refuse(
        "storage.endpoint_url must be scheme, host, port and path only: no user, query "
        "or fragment");
  }
  const std::string what = "storage.endpoint_url: '" + base::printable(url) + "' ";
  EndpointUrl endpoint;
  const std::size_t scheme_end = url.find("://");
  if (scheme_end == std::string::npos)
    refuse(what + "needs http:// or https:// in front");
  endpoint.scheme = url.substr(0, scheme_end);
  if (endpoint.scheme != "http" && endpoint.scheme != "https") {
    refuse(what + "is neither http nor https");
  }
  const std::string rest = url.substr(scheme_end + 3);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  endpoint.authority = rest.substr(0, slash);
  endpoint.path = rest.substr(slash);
  while (endpoint.path.ends_with('/')) endpoint.path.pop_back();
  if (!is_authority(endpoint.authority)) refuse(what + "has no valid host name");
  strip_default_port(endpoint);
  return endpoint;
}

S3Config resolve_config(const StorageOptions& options,
                        const auth::Environment& environment,
                        const auth::AwsConfigFiles& files) {
  check_bucket(options.bucket);
  const std::string profile = auth::selected_profile(environment, options.profile);
  const Sources from{options, environment, files, section(files.profiles, profile)};

  S3Config config;
  config.bucket = options.bucket;
  config.region = choose_region(from);
  config.custom_endpoint = choose_endpoint(from);
  config.storage_class = options.storage_class;
  config.ca_bundle = first_of({options.ca_bundle, variable(environment, "AWS_CA_BUNDLE"),
                               property(from.profile, "ca_bundle")});
  config.verify_tls = options.verify_tls;

  const EndpointUrl endpoint = endpoint_in_region(config, config.region);
  const std::string_view host = host_without_port(endpoint.authority);
  config.https = endpoint.scheme == "https";
  config.aws = is_aws_host(host);
  config.path_style = choose_path_style(config, from, host);
  config.capabilities = capabilities_of(config.aws);
  const auto anonymous = options.credentials.find("anonymous");
  config.capabilities.signed_payload =
      !config.https &&
      (anonymous == options.credentials.end() || anonymous->second != "true");
  return config;
}

ServiceAddress address_in_region(const S3Config& config, const std::string& region) {
  const EndpointUrl endpoint = endpoint_in_region(config, region);
  ServiceAddress address;
  address.region = region == "aws-global" ? kDefaultRegion : region;
  address.host =
      config.path_style ? endpoint.authority : config.bucket + "." + endpoint.authority;
  address.origin = endpoint.scheme + "://" + address.host;
  address.base_path = endpoint.path;
  if (config.path_style) address.base_path += "/" + base::percent_encode(config.bucket);
  return address;
}

std::string endpoint_name(const S3Config& config) {
  if (!config.custom_endpoint.empty()) return config.custom_endpoint;
  const EndpointUrl endpoint = aws_endpoint(config.region);
  return endpoint.scheme + "://" + endpoint.authority;
}

}  // namespace cloudsync::storage::s3

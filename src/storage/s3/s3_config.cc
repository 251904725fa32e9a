// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/s3_config.h"

#include "base/encoding.h"
#include "cloudsync/error.h"
#include "storage/rest/plain_http.h"

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

// A value and where it was given, for messages.
struct Setting {
  std::string value;
  std::string origin;
};

Setting first_given(std::initializer_list<Setting> candidates) {
  for (const Setting& candidate : candidates) {
    if (!candidate.value.empty()) return candidate;
  }
  return {};
}

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

bool is_true(const std::string& text) { return lower_case(text) == "true"; }

struct Sources {
  const StorageOptions& options;
  const auth::Environment& environment;
  const auth::AwsConfigFiles& files;
  Properties profile;
};

Setting from_variable(const Sources& from, const std::string& name) {
  return {variable(from.environment, name), "the environment variable " + name};
}

Setting from_profile(const Sources& from, const std::string& name) {
  return {property(from.profile, name), name + " of the AWS profile"};
}

Setting choose_endpoint(const Sources& from) {
  if (!from.options.endpoint_url.empty()) {
    return {from.options.endpoint_url, "storage.endpoint_url"};
  }
  const std::string ignore =
      first_of({variable(from.environment, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"),
                property(from.profile, "ignore_configured_endpoint_urls")});
  if (is_true(ignore)) return {};
  const Properties services =
      section(from.files.services, property(from.profile, "services"));
  return first_given({from_variable(from, "AWS_ENDPOINT_URL_S3"),
                      from_variable(from, "AWS_ENDPOINT_URL"),
                      {property(services, "s3.endpoint_url"),
                       "endpoint_url of the services section of the AWS profile"},
                      from_profile(from, "endpoint_url")});
}

// "" when it is off, else where it was switched on.
std::string switched_on(bool option, const std::string& key,
                        std::initializer_list<Setting> fallbacks) {
  if (option) return key;
  const Setting given = first_given(fallbacks);
  const std::string value = lower_case(given.value);
  if (value == "true") return given.origin;
  if (!value.empty() && value != "false") {
    refuse(given.origin + ": '" + base::printable(given.value) +
           "' is neither true nor false");
  }
  return "";
}

// The variants of AWS's endpoints that were asked for: by which setting.
struct Variants {
  std::string dual_stack;
  std::string fips;
  std::string accelerate;
};

Variants choose_variants(const Sources& from) {
  Variants asked;
  asked.dual_stack = switched_on(from.options.use_dual_stack, "storage.use_dual_stack",
                                 {from_variable(from, "AWS_USE_DUALSTACK_ENDPOINT"),
                                  from_profile(from, "s3.use_dualstack_endpoint"),
                                  from_profile(from, "use_dualstack_endpoint")});
  asked.fips = switched_on(from.options.use_fips_endpoint, "storage.use_fips_endpoint",
                           {from_variable(from, "AWS_USE_FIPS_ENDPOINT"),
                            from_profile(from, "use_fips_endpoint")});
  asked.accelerate =
      switched_on(from.options.use_accelerate_endpoint, "storage.use_accelerate_endpoint",
                  {from_profile(from, "s3.use_accelerate_endpoint")});
  return asked;
}

void refuse_beside_endpoint(const Variants& asked, const Setting& endpoint) {
  if (endpoint.value.empty()) return;
  for (const std::string& setting : {asked.dual_stack, asked.fips, asked.accelerate}) {
    if (setting.empty()) continue;
    refuse(
        setting + " and " + endpoint.origin +
        " cannot be combined: the first chooses among the endpoints of AWS, the second "
        "names another; unset one of them");
  }
}

// What the official endpoint rules refuse.
EndpointVariant checked_variant(const Variants& asked, const std::string& region) {
  if (!asked.accelerate.empty() && !asked.fips.empty()) {
    refuse(asked.accelerate + " and " + asked.fips +
           " cannot be combined: AWS has no accelerated endpoint with FIPS cryptography");
  }
  for (const std::string& setting : {asked.fips, asked.accelerate}) {
    if (setting.empty() || !is_china(region)) continue;
    refuse(setting + ": the regions in China, such as " + region +
           ", do not have these endpoints; unset it or change storage.region");
  }
  return {!asked.dual_stack.empty(), !asked.fips.empty(), !asked.accelerate.empty()};
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

Setting choose_style(const Sources& from) {
  Setting style{from.options.addressing_style, "storage.addressing_style"};
  if (style.value.empty() || style.value == "auto") {
    style = first_given({from_profile(from, "s3.addressing_style"),
                         {"auto", "storage.addressing_style"}});
  }
  if (style.value != "auto" && style.value != "path" && style.value != "virtual") {
    refuse(style.origin + ": '" + base::printable(style.value) +
           "' is not one of auto, path, virtual");
  }
  return style;
}

// An accelerated endpoint takes the bucket only in the host name.
void check_accelerated(const std::string& accelerate, const Setting& style,
                       bool must_use_path) {
  if (accelerate.empty()) return;
  if (style.value == "path") {
    refuse(
        accelerate + " and " + style.origin +
        " 'path' cannot be combined: an accelerated endpoint has the bucket in the host "
        "name; unset one of them");
  }
  if (must_use_path) {
    refuse(
        accelerate +
        " and storage.bucket cannot be combined: only buckets whose name is a host name "
        "without dots can be accelerated");
  }
}

// Custom endpoints: everything is assumed and sent, nothing is declared; the probe finds
// out.
Capabilities capabilities_of(bool aws) {
  Capabilities capabilities;
  capabilities.declared = aws;
  capabilities.conditional_batch_delete = true;
  capabilities.tokens_recur = true;
  capabilities.conditional_copy_destination = true;
  capabilities.crc64nvme = aws;
  capabilities.crc32c = aws;
  capabilities.multipart = true;
  capabilities.max_object = (aws ? 50ULL : 5ULL) << 40;
  return capabilities;
}

EndpointUrl endpoint_in_region(const S3Config& config, const std::string& region) {
  if (config.custom_endpoint.empty()) return aws_endpoint(region, config.variant);
  return parse_endpoint(config.custom_endpoint);
}

void resolve_address(S3Config& config, const Sources& from) {
  const Setting custom = choose_endpoint(from);
  const Variants asked = choose_variants(from);
  refuse_beside_endpoint(asked, custom);
  config.custom_endpoint = custom.value;
  config.variant = checked_variant(asked, config.region);

  const EndpointUrl endpoint = endpoint_in_region(config, config.region);
  const std::string_view host = host_without_port(endpoint.authority);
  config.https = endpoint.scheme == "https";
  config.aws = is_aws_host(host);
  const Setting style = choose_style(from);
  const bool must_use_path = must_use_path_style(config, host);
  check_accelerated(asked.accelerate, style, must_use_path);
  config.path_style =
      style.value == "path" || must_use_path || (style.value == "auto" && !config.aws);
  if (!config.https && !is_loopback(host))
    refuse_open_key(config.encryption, custom.origin);
}

bool is_anonymous(const StorageOptions& options) {
  const auto anonymous = options.credentials.find("anonymous");
  return anonymous != options.credentials.end() && anonymous->second == "true";
}

}  // namespace

bool is_valid_region(const std::string& region) {
  if (region.empty() || region.size() > 63) return false;
  if (region.front() == '-' || region.front() == '.') return false;
  return std::all_of(region.begin(), region.end(),
                     [](char c) { return is_alnum(c) || c == '-' || c == '.'; });
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
  config.storage_class = options.storage_class;
  config.ca_bundle = first_of({options.ca_bundle, variable(environment, "AWS_CA_BUNDLE"),
                               property(from.profile, "ca_bundle")});
  config.requester_pays = options.requester_pays;
  config.encryption = encryption_of(options);
  resolve_address(config, from);
  config.capabilities = capabilities_of(config.aws);
  config.capabilities.signed_payload = !config.https && !is_anonymous(options);
  rest::check_plain_http(
      options, endpoint_name(config),
      is_anonymous(options) ? rest::Identity::kNone : rest::Identity::kSignature);
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
  const EndpointUrl endpoint = aws_endpoint(config.region, config.variant);
  return endpoint.scheme + "://" + endpoint.authority;
}

}  // namespace cloudsync::storage::s3

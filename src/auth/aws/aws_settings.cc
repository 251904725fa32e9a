// SPDX-License-Identifier: Apache-2.0
#include "auth/aws/aws_settings.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "auth/url_host.h"
#include "base/encoding.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

struct Partition {
  std::string_view region_prefix;
  std::string_view suffix;
  std::string_view dual_stack_suffix;
};

// https://docs.aws.amazon.com/general/latest/gr/rande.html, botocore's partitions.json.
constexpr std::array kPartitions = {
    Partition{"cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
    Partition{"us-iso-", "c2s.ic.gov", "api.aws.ic.gov"},
    Partition{"us-isob-", "sc2s.sgov.gov", "api.aws.scloud"},
    Partition{"eusc-", "amazonaws.eu", "api.amazonwebservices.eu"},
};
constexpr Partition kCommercial{"", "amazonaws.com", "api.aws"};

const Partition& partition_of(std::string_view region) {
  for (const Partition& partition : kPartitions) {
    if (region.starts_with(partition.region_prefix)) return partition;
  }
  return kCommercial;
}

// It becomes part of a host name.
void require_region(const std::string& region) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  if (!region.empty() && region.size() <= 63 && region.front() != '-' &&
      std::all_of(region.begin(), region.end(), fits)) {
    return;
  }
  throw Error(ErrorCode::kInvalidArgument,
              "\"" + base::printable(region) + "\" is no AWS region like eu-west-1");
}

const ProfileProperties& section_of(
    const std::map<std::string, ProfileProperties>& sections, const std::string& name) {
  static const ProfileProperties kNothing;
  const auto found = sections.find(name);
  return found == sections.end() ? kNothing : found->second;
}

bool is_true(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text == "true";
}

std::string overridden_endpoint(const AwsSettings& settings, const AwsService& service) {
  const auto variable = [&](const std::string& name) {
    return environment_value(settings.environment, name).value_or("");
  };
  const ProfileProperties& profile =
      section_of(settings.files.profiles, settings.profile);
  const ProfileProperties& services =
      section_of(settings.files.services, property_of(profile, "services"));
  for (std::string url :
       {variable(std::string("AWS_ENDPOINT_URL_") + service.variable_part),
        variable("AWS_ENDPOINT_URL"),
        property_of(services, std::string(service.section) + ".endpoint_url"),
        property_of(profile, "endpoint_url")}) {
    while (url.ends_with('/')) url.pop_back();
    if (!url.empty()) return url;
  }
  return {};
}

void require_url(const std::string& url) {
  const bool scheme = url.starts_with("https://") || url.starts_with("http://");
  const bool plain = std::all_of(url.begin(), url.end(), [](char c) {
    return c > ' ' && c < 0x7f && c != '@' && c != '?' && c != '#';
  });
  const std::size_t host = url.find("://") + 3;
  if (scheme && plain && host < url.size() && url[host] != '/') return;
  throw Error(
      ErrorCode::kInvalidArgument,
      "the endpoint \"" + shown_url(url) + "\" is no URL like https://sts.example.com");
}

std::string aws_endpoint(const AwsSettings& settings, const AwsService& service,
                         const std::string& region) {
  const bool fips =
      settings.options.use_fips_endpoint ||
      is_true(setting_of(settings, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"));
  const bool dual_stack = settings.options.use_dual_stack ||
                          is_true(setting_of(settings, "AWS_USE_DUALSTACK_ENDPOINT",
                                             "use_dualstack_endpoint"));
  // The plain names of GovCloud are the FIPS ones.
  const bool marked = fips && (dual_stack || !region.starts_with("us-gov-"));
  const Partition& partition = partition_of(region);
  std::string out = std::string("https://") + service.host_prefix;
  out.append(marked ? "-fips." : ".").append(region).append(".");
  return out.append(dual_stack ? partition.dual_stack_suffix : partition.suffix);
}

}  // namespace

AwsSettings read_aws_settings(const AwsCredentialOptions& options,
                              const Environment& environment) {
  return {options, environment, load_aws_config(environment),
          selected_profile(environment, options.profile)};
}

std::string property_of(const ProfileProperties& section, const std::string& name) {
  const auto found = section.find(name);
  return found == section.end() ? std::string() : found->second;
}

std::string setting_of(const AwsSettings& settings, const std::string& variable,
                       const std::string& property) {
  if (const auto value = environment_value(settings.environment, variable)) return *value;
  return property_of(section_of(settings.files.profiles, settings.profile), property);
}

std::string region_of(const AwsSettings& settings) {
  for (const std::string& region :
       {setting_of(settings, "AWS_REGION", ""),
        setting_of(settings, "AWS_DEFAULT_REGION", "region"), settings.options.region}) {
    if (!region.empty()) return region;
  }
  return "us-east-1";
}

std::string endpoint_of(const AwsSettings& settings, const AwsService& service,
                        const std::string& region) {
  require_region(region);
  const std::string named = overridden_endpoint(settings, service);
  if (named.empty()) return aws_endpoint(settings, service, region);
  require_url(named);
  return named;
}

}  // namespace cloudsync::auth

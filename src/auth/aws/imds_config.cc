// SPDX-License-Identifier: Apache-2.0
#include "auth/aws/imds_config.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

constexpr char kEndpoint[] = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
constexpr char kMode[] = "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE";
constexpr char kTimeout[] = "AWS_METADATA_SERVICE_TIMEOUT";
constexpr char kAttempts[] = "AWS_METADATA_SERVICE_NUM_ATTEMPTS";

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

[[noreturn]] void throw_bad(const std::string& name, const std::string& value,
                            const std::string& wanted) {
  throw Error(ErrorCode::kInvalidArgument,
              name + " is \"" + base::printable(value) + "\", but must be " + wanted);
}

std::string checked_endpoint(std::string url) {
  const bool plain = std::all_of(url.begin(), url.end(), [](char c) {
    return c > ' ' && c < 0x7f && c != '@' && c != '?' && c != '#';
  });
  const std::size_t scheme = url.find("://");
  const bool known = url.starts_with("http://") || url.starts_with("https://");
  if (!plain || !known || scheme + 3 >= url.size() || url[scheme + 3] == '/') {
    throw_bad(kEndpoint, url, "a URL like http://169.254.169.254");
  }
  while (url.ends_with('/')) url.pop_back();
  return url;
}

std::string endpoint(const AwsSettings& settings) {
  const std::string url =
      setting_of(settings, kEndpoint, "ec2_metadata_service_endpoint");
  if (!url.empty()) return checked_endpoint(url);
  const std::string mode =
      setting_of(settings, kMode, "ec2_metadata_service_endpoint_mode");
  const std::string known = lower_case(mode);
  if (known.empty() || known == "ipv4") return "http://169.254.169.254";
  if (known == "ipv6") return "http://[fd00:ec2::254]";
  throw_bad(kMode, mode, "ipv4 or ipv6");
}

int count(const AwsSettings& settings, const char* variable, const char* property) {
  constexpr int kMost = 60;
  const std::string text = setting_of(settings, variable, property);
  if (text.empty()) return 1;
  int value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && value >= 1 &&
      value <= kMost) {
    return value;
  }
  throw_bad(variable, text, "a number from 1 to 60");
}

}  // namespace

ImdsConfig resolve_imds(const AwsSettings& settings) {
  ImdsConfig out;
  out.disabled =
      lower_case(setting_of(settings, "AWS_EC2_METADATA_DISABLED", "")) == "true";
  if (out.disabled) return out;
  out.endpoint = endpoint(settings);
  out.timeout_seconds = count(settings, kTimeout, "metadata_service_timeout");
  out.attempts = count(settings, kAttempts, "metadata_service_num_attempts");
  return out;
}

}  // namespace cloudsync::auth

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "auth/aws/aws_credential_chain.h"
#include "auth/aws/aws_profile.h"

namespace cloudsync::auth {

// What options, environment and shared files say at one moment. The files are read again
// for every load: other tools renew them while this program runs.
struct AwsSettings {
  AwsCredentialOptions options;
  Environment environment;
  AwsConfigFiles files;
  std::string profile;  // the selected one; it need not exist
};

AwsSettings read_aws_settings(const AwsCredentialOptions& options,
                              const Environment& environment);

// "" when there is none.
std::string property_of(const ProfileProperties& section, const std::string& name);

// The variable, else the selected profile's property, else "".
std::string setting_of(const AwsSettings& settings, const std::string& variable,
                       const std::string& property);

// A credential service of AWS.
struct AwsService {
  const char* host_prefix;    // "sts"
  const char* variable_part;  // AWS_ENDPOINT_URL_STS
  const char* section;        // of [services NAME]: "sts"
};
inline constexpr AwsService kSts{"sts", "STS", "sts"};
inline constexpr AwsService kSsoPortal{"portal.sso", "SSO", "sso"};
inline constexpr AwsService kSsoOidc{"oidc", "SSO_OIDC", "sso_oidc"};

// AWS_REGION, AWS_DEFAULT_REGION, the profile, the store's region, us-east-1.
std::string region_of(const AwsSettings& settings);

// "https://sts.eu-west-1.amazonaws.com", without a slash at the end. Overridden by
// AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL, the profile's services section, the profile.
// Throws Error{kInvalidArgument} for a region or an endpoint that is none.
std::string endpoint_of(const AwsSettings& settings, const AwsService& service,
                        const std::string& region);

}  // namespace cloudsync::auth

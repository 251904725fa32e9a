// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "auth/environment.h"

namespace cloudsync::auth {

// name -> value; nested blocks as "s3.endpoint_url".
using ProfileProperties = std::map<std::string, std::string>;

// The parsed shared config and credentials files, merged as the SDKs do: the credentials
// file wins.
struct AwsConfigFiles {
  std::map<std::string, ProfileProperties> profiles;
  std::map<std::string, ProfileProperties> sso_sessions;
  std::map<std::string, ProfileProperties> services;
  std::string places;  // where they were looked for, for messages
};

// Where the two files are: AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE, else below
// ~/.aws.
// "" when neither the variable nor HOME is set.
struct AwsConfigPaths {
  std::string config;
  std::string credentials;
};
AwsConfigPaths aws_config_paths(const Environment& environment);

// Parses both texts (either may be empty). Throws Error{kInvalidArgument} with file and
// line.
AwsConfigFiles parse_aws_config(const std::string& config_text,
                                const std::string& credentials_text);

// Reads both files; one that does not exist counts as empty. Throws
// Error{kInvalidArgument} with the path for one that cannot be read or parsed.
AwsConfigFiles load_aws_config(const Environment& environment);

// An explicit name, else AWS_PROFILE, AWS_DEFAULT_PROFILE, "default".
std::string selected_profile(const Environment& environment,
                             const std::string& explicit_name);

}  // namespace cloudsync::auth

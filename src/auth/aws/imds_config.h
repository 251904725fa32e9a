// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "auth/aws/aws_settings.h"

namespace cloudsync::auth {

struct ImdsConfig {
  bool disabled = false;
  std::string endpoint;  // "http://169.254.169.254", without a slash at the end
  int timeout_seconds = 1;
  int attempts = 1;
};

// AWS_EC2_METADATA_DISABLED, AWS_EC2_METADATA_SERVICE_ENDPOINT, ..._ENDPOINT_MODE,
// AWS_METADATA_SERVICE_TIMEOUT, AWS_METADATA_SERVICE_NUM_ATTEMPTS and the profile's
// properties of these names. Throws Error{kInvalidArgument} naming the one that is wrong.
ImdsConfig resolve_imds(const AwsSettings& settings);

}  // namespace cloudsync::auth

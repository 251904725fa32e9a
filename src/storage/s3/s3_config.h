// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "auth/aws/aws_profile.h"
#include "cloudsync/cloud_storage.h"
#include "storage/object_store.h"
#include "storage/s3/s3_encryption.h"
#include "storage/s3/s3_endpoint.h"

namespace cloudsync::storage::s3 {

// Where requests of one bucket go and what they are signed for. Follows the region on
// AWS.
struct ServiceAddress {
  std::string region;  // signed with this one
  std::string origin;  // "https://bucket.s3.eu-west-1.amazonaws.com"
  std::string host;    // the Host header: name and non-default port
  std::string
      base_path;  // "/bucket" with path style, else "" (or the endpoint's own path)
};

// Everything that options, environment and profile say about one bucket, resolved.
struct S3Config {
  std::string bucket;
  std::string region;
  std::string custom_endpoint;  // "" = the regional AWS endpoint
  bool aws = true;              // an endpoint of AWS, whichever way it was named
  EndpointVariant variant;      // of the AWS endpoint
  bool path_style = false;
  bool https = true;
  std::string storage_class;  // for writes that name none
  std::string ca_bundle;      // from the options, the environment or the profile
  Encryption encryption;
  bool requester_pays = false;
  Capabilities capabilities;
};

// Endpoint: option, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, the profile's services
// section, the profile; its variants: option, AWS_USE_DUALSTACK_ENDPOINT and
// AWS_USE_FIPS_ENDPOINT, the profile. Region: option, AWS_REGION, AWS_DEFAULT_REGION,
// profile, us-east-1 (a wrong one is corrected by the service's redirect). Throws
// Error{kInvalidArgument | kUnsupported}.
S3Config resolve_config(const StorageOptions& options,
                        const auth::Environment& environment,
                        const auth::AwsConfigFiles& files);

// May this text stand in a host name as a region?
bool is_valid_region(const std::string& region);

ServiceAddress address_in_region(const S3Config& config, const std::string& region);

// How messages name the service: the custom endpoint or the regional one.
std::string endpoint_name(const S3Config& config);

}  // namespace cloudsync::storage::s3

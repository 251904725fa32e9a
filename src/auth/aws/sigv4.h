// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "auth/aws/aws_credentials.h"

namespace cloudsync::auth {

inline constexpr char kUnsignedPayload[] = "UNSIGNED-PAYLOAD";

// Everything a signature depends on; time and credentials are arguments, so that
// published examples can be replayed. Pure.
struct SigningRequest {
  std::string method;
  std::string path;  // as sent on the wire, already percent-encoded
  std::vector<std::pair<std::string, std::string>> query;  // decoded names and values
  std::vector<std::pair<std::string, std::string>>
      headers;               // all that are to be signed, host too
  std::string payload_hash;  // hex SHA-256 or kUnsignedPayload
};

struct SigningScope {
  std::string region;
  std::string service = "s3";
  std::int64_t time_ns = 0;
  bool encode_path_twice = false;  // every service but S3
  bool normalize_path = false;     // every service but S3
};

std::string canonical_query(
    const std::vector<std::pair<std::string, std::string>>& query);
std::string canonical_request(const SigningRequest& request, const SigningScope& scope);
std::string string_to_sign(const std::string& canonical_request,
                           const SigningScope& scope);
// Hex signature of `text`; the derived key is cached for the (secret, date, region,
// service).
std::string sign(const std::string& text, const AwsCredentials& credentials,
                 const SigningScope& scope);
// The Authorization header for the request.
std::string authorization_header(const SigningRequest& request,
                                 const AwsCredentials& credentials,
                                 const SigningScope& scope);

}  // namespace cloudsync::auth

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "auth/aws/aws_credentials.h"
#include "auth/google/google_credentials.h"
#include "base/call_context.h"
#include "http/transport.h"

#include <string>

namespace cloudsync::auth::google {

// The URLs a credential_source of Amazon names, "" = not named. They stand in Google's
// file, so they are asked as they are and AWS's own settings do not apply.
struct AwsMetadataUrls {
  std::string session_token;  // IMDSv2
  std::string region;
  std::string credentials;
  std::string named_by;  // for messages: "the field "credential_source" of FILE"
};

// One conversation with the instance's metadata service.
class AwsInstanceMetadata {
 public:
  AwsInstanceMetadata(const AwsMetadataUrls& urls, const GoogleWorld& world,
                      const CallContext& context)
      : urls_(urls), world_(world), context_(context) {}

  std::string region();
  AwsCredentials credentials();

 private:
  std::string get(const std::string& url, const std::string& purpose);
  std::string send(const std::string& method, const std::string& url,
                   const http::Headers& headers, const std::string& purpose);
  const std::string& session_token();
  [[noreturn]] void refuse(const std::string& reason) const;

  const AwsMetadataUrls& urls_;
  const GoogleWorld& world_;
  const CallContext& context_;
  std::string session_token_;
};

}  // namespace cloudsync::auth::google

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "auth/aws/aws_credentials.h"
#include "http/transport.h"

namespace cloudsync::auth {

// The JSON documents that carry credentials. All of these throw Error{kUnauthenticated}
// naming `origin` and what is wrong, never a value; `origin` is that of the result too.

// A field that holds a control character could smuggle a header into a request.
AwsCredentials require_usable(AwsCredentials credentials);

// Of the container's service and the instance's metadata service: AccessKeyId,
// SecretAccessKey, Token, Expiration; "Code" other than "Success" is a refusal.
AwsCredentials parse_metadata_credentials(const std::string& body,
                                          const std::string& origin);
// Of credential_process, version 1.
AwsCredentials parse_process_credentials(const std::string& body,
                                         const std::string& origin);
// Of SSO's GetRoleCredentials: times in milliseconds.
AwsCredentials parse_sso_credentials(const std::string& body, const std::string& origin);

}  // namespace cloudsync::auth

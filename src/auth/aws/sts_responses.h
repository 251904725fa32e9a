// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "auth/aws/aws_credentials.h"

namespace cloudsync::auth {

// <ActionResponse><ActionResult><Credentials>. Throws Error{kUnauthenticated} naming
// `origin` for any other document.
AwsCredentials parse_sts_credentials(const std::string& body, const std::string& action,
                                     const std::string& origin);

// <ErrorResponse>; empty fields where the body is none.
struct StsRefusal {
  std::string code;
  std::string message;
  std::string request_id;
};
StsRefusal parse_sts_refusal(const std::string& body);

}  // namespace cloudsync::auth

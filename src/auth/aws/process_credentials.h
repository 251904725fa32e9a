// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "auth/aws/aws_credentials.h"
#include "base/call_context.h"

namespace cloudsync::auth {

// Runs the command of credential_process (no shell) and reads its answer. `profile` is
// for messages. Throws Error{kUnauthenticated} with what the program wrote to stderr,
// never with its output.
AwsCredentials run_credential_process(const std::string& line, const std::string& profile,
                                      const CallContext& context);

}  // namespace cloudsync::auth

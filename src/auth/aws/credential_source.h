// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "auth/aws/aws_credential_chain.h"
#include "auth/aws/aws_profile.h"
#include "auth/aws/aws_credentials.h"
#include "base/call_context.h"

namespace cloudsync::auth {

// One place credentials may come from. The chain asks the places in order, takes the
// first answer and keeps it; load() runs again after the service refused it or when it
// has expired. Called by one thread at a time.
class CredentialSource {
 public:
  virtual ~CredentialSource() = default;
  // Nothing = not configured here, ask the next. Throws Error{kUnauthenticated} when it
  // is configured and yet gives no usable credentials: falling through to another
  // identity would touch somebody else's data.
  virtual std::optional<AwsCredentials> load(const CallContext& context) = 0;
  // For the message that nothing was found: "AWS_ACCESS_KEY_ID in the environment".
  virtual std::string place() const = 0;
};

// The keys of the configuration file.
std::unique_ptr<CredentialSource> make_static_source(const AwsCredentialOptions& options);
// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN.
std::unique_ptr<CredentialSource> make_environment_source(Environment environment);
// The static keys of the selected profile; `explicit_name` as in selected_profile().
std::unique_ptr<CredentialSource> make_profile_source(Environment environment,
                                                      std::string explicit_name);

// What to tell somebody whose credentials would need a source that does not exist yet.
inline constexpr char kReadableSources[] =
    "this build reads static keys, environment and session tokens only";

}  // namespace cloudsync::auth

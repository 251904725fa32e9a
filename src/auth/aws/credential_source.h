// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "auth/aws/aws_credential_chain.h"
#include "auth/aws/aws_credentials.h"
#include "auth/aws/aws_profile.h"
#include "base/call_context.h"

namespace cloudsync::auth {

// One place credentials may come from. The chain asks the places in order, takes the
// first answer and keeps it; load() runs again ahead of its expiry or after the service
// refused it. load() and place() are called by one thread at a time.
class CredentialSource {
 public:
  virtual ~CredentialSource() = default;
  // Nothing = not configured here, ask the next. Throws Error{kUnauthenticated} when it
  // is configured and yet gives no usable credentials: falling through to another
  // identity would touch somebody else's data. Throws Error{kUnavailable} when that may
  // pass.
  virtual std::optional<AwsCredentials> load(const CallContext& context) = 0;
  // For the message that nothing was found: "AWS_ACCESS_KEY_ID in the environment"; ""
  // when another source says it.
  virtual std::string place() const = 0;
  // What came from here was refused; nothing kept from before may be given again. Called
  // by any thread.
  virtual void forget() {}
};

// The keys of the configuration file.
std::unique_ptr<CredentialSource> make_static_source(const AwsCredentialOptions& options);
// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN.
std::unique_ptr<CredentialSource> make_environment_source(Environment environment);
// AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME.
std::unique_ptr<CredentialSource> make_web_identity_source(
    const AwsCredentialOptions& options, AwsWorld world);

// A login or a program in the default profile, which nobody chose, comes after the web
// identity of the environment; roles and keys before.
enum class ProfilePart { kAll, kRolesAndKeys, kLoginsAndPrograms };
// Of the selected profile: options, AWS_PROFILE, AWS_DEFAULT_PROFILE, "default".
std::unique_ptr<CredentialSource> make_profile_source(const AwsCredentialOptions& options,
                                                      AwsWorld world, ProfilePart part);

// AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or AWS_CONTAINER_CREDENTIALS_FULL_URI.
std::unique_ptr<CredentialSource> make_container_source(AwsWorld world);

// Whether somebody named the metadata service as the source (then its silence is an
// outage) or it is merely the last place to look (then its silence is the usual case).
enum class ImdsUse { kLastPlace, kChosen };
std::unique_ptr<CredentialSource> make_imds_source(const AwsCredentialOptions& options,
                                                   AwsWorld world, ImdsUse use);

}  // namespace cloudsync::auth

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "auth/access_token.h"
#include "auth/google/credential_document.h"
#include "auth/google/google_credentials.h"
#include "base/call_context.h"

#include <memory>
#include <string>

namespace cloudsync::auth::google {

inline constexpr char kStorageScope[] =
    "https://www.googleapis.com/auth/devstorage.full_control";
inline constexpr char kCloudPlatformScope[] =
    "https://www.googleapis.com/auth/cloud-platform";

// Fetches a new access token each time it is asked; keeps none. One thread at a time.
class TokenSource {
 public:
  virtual ~TokenSource() = default;
  // Throws Error{kUnauthenticated} naming file and field or the service's refusal and
  // what to do, kUnavailable when a service cannot be reached.
  virtual AccessToken fetch(const CallContext& context) = 0;
};

// What a source is made from. The world outlives the source.
struct SourceInputs {
  const CredentialDocument& document;
  const GoogleWorld& world;
  std::string scope;
  int depth = 0;  // of sources inside sources
};

// By the document's "type".
std::unique_ptr<TokenSource> make_token_source(const SourceInputs& inputs);

std::unique_ptr<TokenSource> make_service_account_source(const SourceInputs& inputs);
std::unique_ptr<TokenSource> make_authorized_user_source(const SourceInputs& inputs);
std::unique_ptr<TokenSource> make_external_account_source(const SourceInputs& inputs);
std::unique_ptr<TokenSource> make_external_user_source(const SourceInputs& inputs);
std::unique_ptr<TokenSource> make_impersonated_source(const SourceInputs& inputs);

}  // namespace cloudsync::auth::google

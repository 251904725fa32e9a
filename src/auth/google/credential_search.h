// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "auth/google/google_credentials.h"
#include "auth/google/token_source.h"
#include "base/call_context.h"

#include <memory>

namespace cloudsync::auth::google {

// The first place that has credentials. It stays the place: when its file vanishes later
// that is an error, since the next place would be another identity. Throws
// Error{kUnauthenticated} naming every place searched when there is none.
std::unique_ptr<TokenSource> find_token_source(const GoogleCredentialOptions& options,
                                               const GoogleWorld& world,
                                               const CallContext& context);

// Reads the file anew for each token, so that a new login or key is used at once.
// `named_by` is for messages: "GOOGLE_APPLICATION_CREDENTIALS".
std::unique_ptr<TokenSource> make_file_source(const std::string& path,
                                              const std::string& named_by,
                                              const GoogleWorld& world);

}  // namespace cloudsync::auth::google

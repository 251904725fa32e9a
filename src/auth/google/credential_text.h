// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace cloudsync::auth::google {

// The content of a small regular file; nothing when there is no such file. Throws
// Error{kUnauthenticated} naming `what` and the path when it is something else, too large
// (1 MiB) or not readable: it was put there to be used, so nothing else is tried instead.
std::optional<std::string> read_credential_text(const std::string& path,
                                                const std::string& what);
// The same, for a file that has to exist.
std::string require_credential_text(const std::string& path, const std::string& what);

}  // namespace cloudsync::auth::google

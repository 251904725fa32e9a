// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace cloudsync::auth {

// The text of a small file that holds a secret, blanks around it cut off, registered with
// base::redact_secret. Throws Error{kUnauthenticated} naming `purpose`, path and reason
// when it cannot be read, is empty, or holds a line break or more than 64 KiB.
std::string read_secret_file(const std::string& path, const std::string& purpose);

}  // namespace cloudsync::auth

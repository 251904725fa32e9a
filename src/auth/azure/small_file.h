// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

namespace cloudsync::auth {

struct SmallFile {
  std::string path;
  std::size_t max_bytes = 0;
  std::string purpose;  // for messages: "the federated token file"
};

// The whole file without blanks at its ends, registered as a secret. Throws
// Error{kUnauthenticated} naming the file when it cannot be read, is empty, too long or
// no regular file.
std::string read_azure_secret(const SmallFile& file);

}  // namespace cloudsync::auth

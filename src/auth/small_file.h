// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace cloudsync::auth {

struct SmallFile {
  std::string path;
  std::string purpose;  // for messages: "the federated token file"
  // Real ones have a few kilobytes; a token file that points at a disk image must not
  // fill the memory.
  std::size_t max_bytes = 1 << 20;
};

// The content; nothing when there is no such file. Throws Error{kUnauthenticated} naming
// purpose, path and reason when it is no regular file, too long or not readable: it was
// put there to be used, so nothing else is tried instead.
std::optional<std::string> read_small_file(const SmallFile& file);

// The same, for a file that has to exist.
std::string require_small_file(const SmallFile& file);

// Without blanks at its ends, not empty, registered with base::redact_secret.
std::string read_secret_file(const SmallFile& file);

// The same, in one line: it becomes a header or a field of a form.
std::string read_secret_line(const SmallFile& file);

}  // namespace cloudsync::auth

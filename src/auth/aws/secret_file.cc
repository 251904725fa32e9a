// SPDX-License-Identifier: Apache-2.0
#include "auth/aws/secret_file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "auth/blank.h"
#include "base/encoding.h"
#include "base/log.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

constexpr std::size_t kLargest = 64 << 10;

[[noreturn]] void fail(const std::string& path, const std::string& purpose,
                       const std::string& reason) {
  throw Error(
      ErrorCode::kUnauthenticated,
      purpose + ": the file " + base::printable(path) + " cannot be used: " + reason);
}

}  // namespace

std::string read_secret_file(const std::string& path, const std::string& purpose) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    fail(path, purpose, "it is a directory");
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(path, purpose, std::strerror(errno));
  std::string text(kLargest + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) fail(path, purpose, std::strerror(errno));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kLargest) fail(path, purpose, "it is too large for a token");
  std::string secret(trim_blanks(text));
  if (secret.empty()) fail(path, purpose, "it is empty");
  // The token becomes a header or a form field of one line.
  if (secret.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
    fail(path, purpose, "the token in it has a line break");
  }
  base::redact_secret(secret);
  return secret;
}

}  // namespace cloudsync::auth

// SPDX-License-Identifier: Apache-2.0
#include "auth/google/credential_text.h"

#include "base/encoding.h"
#include "cloudsync/error.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace cloudsync::auth::google {
namespace {

// Real ones have a few kilobytes; a token file that points at a disk image must not fill
// the memory.
constexpr std::size_t kLargest = 1 << 20;

[[noreturn]] void throw_unreadable(const std::string& path, const std::string& what,
                                   const std::string& reason) {
  throw Error(ErrorCode::kUnauthenticated,
              what + " " + base::printable(path) + " cannot be read: " + reason);
}

}  // namespace

std::optional<std::string> read_credential_text(const std::string& path,
                                                const std::string& what) {
  std::error_code code;
  const auto status = std::filesystem::status(path, code);
  if (status.type() == std::filesystem::file_type::not_found) return std::nullopt;
  if (code) throw_unreadable(path, what, code.message());
  // Opening a pipe that nobody writes to would wait for ever.
  if (!std::filesystem::is_regular_file(status)) {
    throw_unreadable(path, what, "it is not a regular file");
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) throw_unreadable(path, what, std::strerror(errno));
  std::string text(kLargest + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) throw_unreadable(path, what, std::strerror(errno));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kLargest) throw_unreadable(path, what, "it is larger than 1 MiB");
  return text;
}

std::string require_credential_text(const std::string& path, const std::string& what) {
  auto text = read_credential_text(path, what);
  if (!text) throw_unreadable(path, what, "there is no such file");
  return *std::move(text);
}

}  // namespace cloudsync::auth::google

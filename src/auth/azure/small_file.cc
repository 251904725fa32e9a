// SPDX-License-Identifier: Apache-2.0
#include "auth/azure/small_file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "auth/blank.h"
#include "base/encoding.h"
#include "base/log.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

[[noreturn]] void fail(const SmallFile& file, const std::string& reason) {
  throw Error(ErrorCode::kUnauthenticated,
              file.purpose + " " + base::printable(file.path) + " " + reason);
}

}  // namespace

std::string read_azure_secret(const SmallFile& file) {
  std::error_code code;
  const auto status = std::filesystem::status(file.path, code);
  if (code) fail(file, "cannot be read: " + code.message());
  if (!std::filesystem::is_regular_file(status)) fail(file, "is no ordinary file");
  errno = 0;
  std::ifstream stream(file.path, std::ios::binary);
  if (!stream) fail(file, std::string("cannot be read: ") + std::strerror(errno));
  std::string text(file.max_bytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad()) fail(file, std::string("cannot be read: ") + std::strerror(errno));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > file.max_bytes) {
    fail(file, "is longer than " + std::to_string(file.max_bytes) + " bytes");
  }
  std::string content(trim_blanks(text));
  if (content.empty()) fail(file, "is empty");
  base::redact_secret(content);
  return content;
}

}  // namespace cloudsync::auth

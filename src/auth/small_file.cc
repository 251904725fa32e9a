// SPDX-License-Identifier: Apache-2.0
#include "auth/small_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "auth/blank.h"
#include "base/encoding.h"
#include "base/log.h"
#include "base/posix_root.h"
#include "cloudsync/error.h"

namespace cloudsync::auth {
namespace {

[[noreturn]] void fail(const SmallFile& file, const std::string& reason) {
  throw Error(ErrorCode::kUnauthenticated,
              file.purpose + " " + base::printable(file.path) + " " + reason);
}

[[noreturn]] void fail_reading(const SmallFile& file, int code) {
  fail(file, std::string("cannot be read: ") + std::strerror(code));
}

// A pipe that nobody writes to would be waited for for ever.
void require_regular(const SmallFile& file, int fd) {
  struct stat status{};
  if (fstat(fd, &status) != 0) fail_reading(file, errno);
  if (S_ISDIR(status.st_mode)) fail(file, "is a directory, not a regular file");
  if (!S_ISREG(status.st_mode)) fail(file, "is not a regular file");
}

std::string content_of(const SmallFile& file, int fd) {
  std::string text(file.max_bytes + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = read(fd, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_reading(file, errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > file.max_bytes) {
    fail(file, "is too large: longer than " + std::to_string(file.max_bytes) + " bytes");
  }
  text.resize(size);
  return text;
}

}  // namespace

std::optional<std::string> read_small_file(const SmallFile& file) {
  const base::UniqueFd fd(open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    fail_reading(file, errno);
  }
  require_regular(file, fd.get());
  return content_of(file, fd.get());
}

std::string require_small_file(const SmallFile& file) {
  auto text = read_small_file(file);
  if (!text) fail_reading(file, ENOENT);
  return *std::move(text);
}

std::string read_secret_file(const SmallFile& file) {
  const std::string text = require_small_file(file);
  std::string secret(trim_blanks(text));
  if (secret.empty()) fail(file, "is empty");
  base::redact_secret(secret);
  return secret;
}

std::string read_secret_line(const SmallFile& file) {
  std::string secret = read_secret_file(file);
  const bool plain = std::none_of(secret.begin(), secret.end(), [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
  });
  if (plain) return secret;
  fail(file, "holds a line break or another control character, which no token has");
}

}  // namespace cloudsync::auth

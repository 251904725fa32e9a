// SPDX-License-Identifier: Apache-2.0
#include "sync/run/pair_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/encoding.h"
#include "hash/digest.h"

namespace cloudsync::sync {

namespace {

std::string pair_hash(const PairIdentity& identity) {
  std::string text = identity.local_root;
  for (const auto* part : {&identity.provider, &identity.container, &identity.prefix}) {
    text.push_back('\0');
    text += *part;
  }
  const auto digest =
      hash::Sha256::of(std::as_bytes(std::span(text.data(), text.size())));
  return base::to_hex(digest).substr(0, 16);
}

std::string holder_of(int fd) {
  char text[128] = {};
  const ssize_t n = pread(fd, text, sizeof text - 1, 0);
  return n > 0 ? " (" + std::string(text, static_cast<std::size_t>(n)) + ")" : "";
}

void write_holder(int fd) {
  char host[65] = {};
  gethostname(host, sizeof host - 1);
  const std::string text = "process " + std::to_string(getpid()) + " on " + host;
  if (ftruncate(fd, 0) == 0 && pwrite(fd, text.data(), text.size(), 0) < 0) {
    return;  // the holder's name is a courtesy; the lock itself is what counts
  }
}

int take(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    throw Error(ErrorCode::kLocalIo,
                "cannot open the lock file '" + path + "': " + std::strerror(errno));
  }
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
    write_holder(fd);
    return fd;
  }
  const std::string holder = holder_of(fd);
  close(fd);
  throw Error(ErrorCode::kLocked, "another run works on this folder and prefix" + holder +
                                      "; wait until it has ended (lock file '" + path +
                                      "')");
}

}  // namespace

PairLock::PairLock(const std::string& database_path, const PairIdentity& identity)
    : database_fd_(take(database_path + "." + pair_hash(identity) + ".lock")) {}

PairLock::~PairLock() {
  if (root_fd_ >= 0) close(root_fd_);
  close(database_fd_);
}

void PairLock::lock_root(const std::string& root) {
  root_fd_ = take(root + "/.cloudsync/lock");
}

}  // namespace cloudsync::sync

// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/minio_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/clock.h"

namespace cloudsync::conformance {
namespace {

constexpr const char* kBucket = "conformance";
constexpr const char* kUser = "conformance";
constexpr const char* kPassword = "conformance-secret";
constexpr std::chrono::seconds kStartDeadline{30};

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  close(fd);
  return ntohs(address.sin_port);
}

// The health endpoint answers 200 only once the object layer is up; an open port is too
// early.
bool answers_ready(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(port);
  const timeval timeout{2, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  std::string answer(64, '\0');
  bool ready = false;
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    const std::string request =
        "GET /minio/health/cluster HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: "
        "close\r\n\r\n";
    if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) > 0 &&
        recv(fd, answer.data(), answer.size(), MSG_WAITALL) > 0) {
      ready = answer.starts_with("HTTP/1.1 200");
    }
  }
  close(fd);
  return ready;
}

}  // namespace

MinioServer& MinioServer::shared() {
  static MinioServer server;
  return server;
}

MinioServer::MinioServer() {
  const char* binary = std::getenv("CLOUDSYNC_MINIO");
  if (!binary || *binary == '\0') {
    skip_reason_ = "CLOUDSYNC_MINIO does not name a minio binary";
    return;
  }
  start(binary);
  if (!wait_until_ready()) {
    skip_reason_ = std::string("'") + binary + "' did not become ready within 30 seconds";
  }
}

void MinioServer::start(const std::string& binary) {
  const char* base = std::getenv("TMPDIR");
  std::string pattern = std::string(base ? base : "/tmp") + "/cloudsync-minio-XXXXXX";
  directory_ = mkdtemp(pattern.data());
  // A folder of the single drive is a bucket.
  std::filesystem::create_directories(directory_ + "/data/" + kBucket);
  port_ = free_port();
  const std::string address = "127.0.0.1:" + std::to_string(port_);
  const std::string data = directory_ + "/data";
  const std::string log = directory_ + "/log";
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  const int out = open(log.c_str(), O_WRONLY | O_CREAT, 0600);
  dup2(out, 1);
  dup2(out, 2);
  setenv("MINIO_ROOT_USER", kUser, 1);
  setenv("MINIO_ROOT_PASSWORD", kPassword, 1);
  setenv("MINIO_BROWSER", "off", 1);
  setenv("MINIO_UPDATE", "off", 1);
  setenv("MINIO_CI_CD", "on", 1);
  execl(binary.c_str(), binary.c_str(), "server", "--address", address.c_str(),
        data.c_str(), static_cast<char*>(nullptr));
  _exit(127);
}

bool MinioServer::wait_until_ready() const {
  const auto deadline = std::chrono::steady_clock::now() + kStartDeadline;
  while (std::chrono::steady_clock::now() < deadline) {
    if (answers_ready(port_)) return true;
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) return false;
    base::system_clock().sleep_for(std::chrono::milliseconds(50), {});
  }
  return false;
}

MinioServer::~MinioServer() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (!directory_.empty()) std::filesystem::remove_all(directory_);
}

StorageOptions MinioServer::options() const {
  StorageOptions options;
  options.provider = "s3";
  options.bucket = kBucket;
  options.region = "us-east-1";
  options.endpoint_url = "http://127.0.0.1:" + std::to_string(port_);
  options.credentials = {{"aws_access_key_id", kUser},
                         {"aws_secret_access_key", kPassword}};
  return options;
}

}  // namespace cloudsync::conformance

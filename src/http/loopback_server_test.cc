// SPDX-License-Identifier: Apache-2.0
#include "http/loopback_server_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "http/ascii.h"

namespace cloudsync::http {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), to_lower);
  return result;
}

void parse_header_line(std::string_view line, ReceivedRequest& request) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return;
  request.headers[lower(line.substr(0, colon))] = trim(line.substr(colon + 1));
}

ReceivedRequest parse_head(std::string_view head) {
  ReceivedRequest request;
  const auto first_end = head.find("\r\n");
  const std::string_view first = head.substr(0, first_end);
  const auto space = first.find(' ');
  request.method = first.substr(0, space);
  request.target = first.substr(space + 1, first.rfind(' ') - space - 1);
  for (auto at = first_end + 2; at < head.size();) {
    const auto end = std::min(head.find("\r\n", at), head.size());
    parse_header_line(head.substr(at, end - at), request);
    at = end + 2;
  }
  return request;
}

int listen_on_loopback(int& port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  if (fd < 0 || ::bind(fd, raw, size) != 0 || ::listen(fd, 64) != 0 ||
      ::getsockname(fd, raw, &size) != 0) {
    throw std::runtime_error("no loopback port can be opened");
  }
  port = ntohs(address.sin_port);
  return fd;
}

}  // namespace

bool Connection::fill() {
  std::array<char, 65536> chunk{};
  const ssize_t n = ::recv(fd_, chunk.data(), chunk.size(), 0);
  if (n <= 0) return false;
  buffer_.append(chunk.data(), static_cast<std::size_t>(n));
  return true;
}

std::optional<ReceivedRequest> Connection::read_head() {
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) return std::nullopt;
  }
  ReceivedRequest request = parse_head(std::string_view(buffer_).substr(0, end));
  buffer_.erase(0, end + 4);
  return request;
}

void Connection::read_body(ReceivedRequest& request) {
  const auto length = request.headers.find("content-length");
  if (length == request.headers.end()) return;
  const std::size_t size = std::stoul(length->second);
  while (buffer_.size() < size && fill()) {
  }
  request.body = buffer_.substr(0, size);
  buffer_.erase(0, size);
}

std::optional<ReceivedRequest> Connection::read_request() {
  auto request = read_head();
  if (request) read_body(*request);
  return request;
}

void Connection::write(std::string_view text) const {
  while (!text.empty()) {
    const ssize_t n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
    if (n <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

void Connection::reset() const {
  const linger abort_on_close{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &abort_on_close, sizeof abort_on_close);
}

void Connection::wait_until_closed() {
  while (fill()) {
  }
}

LoopbackServer::LoopbackServer(Serve serve)
    : serve_(std::move(serve)), listener_(listen_on_loopback(port_)) {
  accepter_ = std::thread([this] { accept_loop(); });
}

LoopbackServer::~LoopbackServer() {
  ::shutdown(listener_, SHUT_RDWR);
  accepter_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  for (auto& thread : threads_) thread.join();
  ::close(listener_);
}

LoopbackServer::Serve LoopbackServer::answering(Answer answer) {
  return [answer = std::move(answer)](Connection& connection) {
    while (auto request = connection.read_request()) connection.write(answer(*request));
  };
}

std::string LoopbackServer::url(const std::string& path) const {
  return "http://" + authority() + path;
}

std::string LoopbackServer::authority() const {
  return "127.0.0.1:" + std::to_string(port_);
}

void LoopbackServer::accept_loop() {
  for (;;) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    ++connections_;
    {
      const std::lock_guard lock(mutex_);
      open_.push_back(fd);
    }
    threads_.emplace_back([this, fd] { serve_one(fd); });
  }
}

void LoopbackServer::serve_one(int fd) {
  Connection connection(fd);
  serve_(connection);
  const std::lock_guard lock(mutex_);
  std::erase(open_, fd);
  ::close(fd);
}

std::string http_answer(const std::string& status, const std::string& body,
                        const std::string& header_lines) {
  return "HTTP/1.1 " + status + "\r\n" + header_lines +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace cloudsync::http

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace cloudsync::http {

struct ReceivedRequest {
  std::string method;
  std::string target;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

// The server's end of one connection.
class Connection {
 public:
  explicit Connection(int fd) : fd_(fd) {}

  // Nothing when the client has closed the connection.
  std::optional<ReceivedRequest> read_head();
  void read_body(ReceivedRequest& request);
  std::optional<ReceivedRequest> read_request();
  void write(std::string_view text) const;
  // Closes so that the client sees "connection reset".
  void reset() const;
  // Returns when the client has closed its end.
  void wait_until_closed();

 private:
  bool fill();

  int fd_;
  std::string buffer_;
};

// An HTTP server on a free loopback port: each connection runs `serve` in a thread of its
// own and is closed when that returns.
class LoopbackServer {
 public:
  using Serve = std::function<void(Connection&)>;
  using Answer = std::function<std::string(const ReceivedRequest&)>;

  explicit LoopbackServer(Serve serve);
  ~LoopbackServer();
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  // Answers every request of every connection until the client hangs up.
  static Serve answering(Answer answer);

  std::string url(const std::string& path) const;
  std::string authority() const;
  int connections() const { return connections_; }

 private:
  void accept_loop();
  void serve_one(int fd);

  Serve serve_;
  int port_ = 0;  // set while listener_ is made
  int listener_ = -1;
  std::atomic<int> connections_{0};
  std::mutex mutex_;
  std::vector<int> open_;             // guarded by mutex_
  std::vector<std::thread> threads_;  // of the accept loop only, until it has ended
  std::thread accepter_;
};

// "HTTP/1.1 <status>", the given lines, Content-Length and the body.
std::string http_answer(const std::string& status, const std::string& body = {},
                        const std::string& header_lines = {});

}  // namespace cloudsync::http

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

namespace cloudsync::conformance {

// How a server is run. {port} and {data} in arguments are replaced.
struct ServerRecipe {
  std::string name;
  std::string variable;  // the environment variable that names its program
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment;
  std::vector<std::string> folders;  // made below {data} before the start
  std::string ready_path;            // a GET of it answers ready_status once all is up
  int ready_status = 200;
};

// Where servers keep their data: $TMPDIR, else /tmp.
std::string temporary_folder();

// The status of the answer to one HTTP request on loopback; 0 when there is none yet.
int loopback_status(int port, const std::string& request);

// A server of our own on a free loopback port with its own data folder, killed and
// removed with the object; it dies with this process too.
class ServerProcess {
 public:
  explicit ServerProcess(ServerRecipe recipe);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // Not empty: the variable is not set, so this machine does without the server.
  const std::string& skip_reason() const { return skip_reason_; }
  // Not empty: the server was asked for and does not run.
  const std::string& failure() const { return failure_; }
  int port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  void start(const std::string& program);
  std::vector<std::string> command_line(const std::string& program) const;
  [[noreturn]] void become(const std::vector<std::string>& command) const;
  bool wait_until_ready();

  ServerRecipe recipe_;
  std::string skip_reason_;
  std::string failure_;
  std::string directory_;
  int port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace cloudsync::conformance

// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/server_process.h"

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
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/clock.h"

namespace cloudsync::conformance {
namespace {

constexpr std::chrono::seconds kStartDeadline{180};

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

std::string replaced(std::string text, const std::string& name,
                     const std::string& value) {
  for (auto at = text.find(name); at != std::string::npos; at = text.find(name)) {
    text.replace(at, name.size(), value);
  }
  return text;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

std::string text_of(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str().substr(0, 2000);
}

}  // namespace

std::string temporary_folder() {
  const char* base = std::getenv("TMPDIR");
  return base ? base : "/tmp";
}

int loopback_status(int port, const std::string& request) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(port);
  const timeval timeout{5, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  std::string answer(12, '\0');  // "HTTP/1.1 200"
  int status = 0;
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
      send(fd, request.data(), request.size(), MSG_NOSIGNAL) > 0 &&
      recv(fd, answer.data(), answer.size(), MSG_WAITALL) == 12) {
    status = std::atoi(answer.substr(9).c_str());
  }
  close(fd);
  return status;
}

ServerProcess::ServerProcess(ServerRecipe recipe) : recipe_(std::move(recipe)) {
  const char* program = std::getenv(recipe_.variable.c_str());
  if (!program || *program == '\0') {
    skip_reason_ = recipe_.variable + " does not name the program of " + recipe_.name +
                   " (tools/server " + recipe_.name + " prints it)";
    return;
  }
  start(program);
  if (wait_until_ready()) return;
  failure_ = recipe_.name + " ('" + program + "', from " + recipe_.variable +
             ") did not become ready: " + text_of(directory_ + "/log");
}

std::vector<std::string> ServerProcess::command_line(const std::string& program) const {
  std::vector<std::string> command;
  if (program.ends_with(".js")) command.emplace_back("node");
  command.push_back(program);
  for (const std::string& argument : recipe_.arguments) {
    command.push_back(replaced(replaced(argument, "{port}", std::to_string(port_)),
                               "{data}", directory_ + "/data"));
  }
  return command;
}

void ServerProcess::start(const std::string& program) {
  std::string pattern = temporary_folder() + "/cloudsync-" + recipe_.name + "-XXXXXX";
  directory_ = mkdtemp(pattern.data());
  std::filesystem::create_directories(directory_ + "/data");
  for (const std::string& folder : recipe_.folders) {
    std::filesystem::create_directories(directory_ + "/data/" + folder);
  }
  port_ = free_port();
  const auto command = command_line(program);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  become(command);
}

void ServerProcess::become(const std::vector<std::string>& command) const {
  const int out = open((directory_ + "/log").c_str(), O_WRONLY | O_CREAT, 0600);
  dup2(out, 1);
  dup2(out, 2);
  for (const auto& [name, value] : recipe_.environment) {
    setenv(name.c_str(), value.c_str(), 1);
  }
  execvp(command[0].c_str(), pointers(command).data());
  _exit(127);
}

bool ServerProcess::wait_until_ready() {
  const std::string request = "GET " + recipe_.ready_path +
                              " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port_) +
                              "\r\nConnection: close\r\n\r\n";
  const auto deadline = std::chrono::steady_clock::now() + kStartDeadline;
  while (std::chrono::steady_clock::now() < deadline) {
    if (loopback_status(port_, request) == recipe_.ready_status) return true;
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = -1;
      return false;
    }
    base::system_clock().sleep_for(std::chrono::milliseconds(50), {});
  }
  return false;
}

ServerProcess::~ServerProcess() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (!directory_.empty()) std::filesystem::remove_all(directory_);
}

}  // namespace cloudsync::conformance

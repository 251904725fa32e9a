// SPDX-License-Identifier: Apache-2.0
#include "cli/signals.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

#include "cloudsync/error.h"

namespace cloudsync::cli {
namespace {

using std::chrono::steady_clock;

// Whatever the run waits for, a disk that does not answer included.
constexpr std::chrono::milliseconds kLongestStop{1950};

bool is_ignored(int signal) {
  struct sigaction action{};
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

sigset_t watched_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGINT);
  ::sigaddset(&set, SIGTERM);
  if (!is_ignored(SIGHUP)) ::sigaddset(&set, SIGHUP);
  return set;
}

int checked(int fd, const char* what) {
  if (fd < 0) {
    throw Error(ErrorCode::kInternal, std::string(what) + ": " + std::strerror(errno));
  }
  return fd;
}

}  // namespace

SignalWatcher::SignalWatcher(std::function<void(int)> on_stop)
    : on_stop_(std::move(on_stop)) {
  ::signal(SIGPIPE, SIG_IGN);
  const sigset_t set = watched_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, &before_);
  signal_fd_ = checked(::signalfd(-1, &set, SFD_CLOEXEC), "signalfd");
  wake_fd_ = checked(::eventfd(0, EFD_CLOEXEC), "eventfd");
  thread_ = std::thread([this] { watch(); });
}

SignalWatcher::~SignalWatcher() {
  const std::uint64_t one = 1;
  while (::write(wake_fd_, &one, sizeof one) < 0 && errno == EINTR) {
  }
  thread_.join();
  ::close(signal_fd_);
  ::close(wake_fd_);
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void SignalWatcher::watch() {
  for (;;) {
    pollfd descriptors[] = {{.fd = signal_fd_, .events = POLLIN, .revents = 0},
                            {.fd = wake_fd_, .events = POLLIN, .revents = 0}};
    const int ready = ::poll(descriptors, 2, wait_ms());
    if (ready == 0) ::_exit(128 + signal_);
    if (ready < 0) continue;
    if (descriptors[1].revents != 0) return;
    if (descriptors[0].revents == 0) continue;
    signalfd_siginfo info{};
    if (::read(signal_fd_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      receive(static_cast<int>(info.ssi_signo));
    }
  }
}

int SignalWatcher::wait_ms() const {
  if (out_at_ == steady_clock::time_point{}) return -1;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(out_at_ - steady_clock::now());
  return std::max(static_cast<int>(left.count()), 0);
}

void SignalWatcher::receive(int signal) {
  // State is committed as the run goes on and survives a kill at any moment, so leaving
  // at once is safe; exit handlers could wait for threads that wait for the network.
  if (!graceful_ || signal_ != 0) ::_exit(128 + signal);
  signal_ = signal;
  out_at_ = steady_clock::now() + kLongestStop;
  stop_.request_stop();
  on_stop_(signal);
}

}  // namespace cloudsync::cli

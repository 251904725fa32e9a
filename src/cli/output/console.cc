// SPDX-License-Identifier: Apache-2.0
#include "cli/output/console.h"

#include "base/encoding.h"
#include "base/log.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace cloudsync::cli {
namespace {

// 0, or the errno of the write that failed. A descriptor that somebody made non-blocking
// is waited for.
int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n >= 0) {
      text.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      pollfd waiting{.fd = fd, .events = POLLOUT, .revents = 0};
      ::poll(&waiting, 1, -1);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

std::string message_line(std::string_view text) {
  return "cloudsync: " + base::printable(base::redacted(text));
}

bool can_redraw(int fd) {
  const char* term = std::getenv("TERM");
  return ::isatty(fd) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

}  // namespace

Console::Console(int out_fd, int err_fd)
    : out_fd_(out_fd),
      err_fd_(err_fd),
      err_is_terminal_(can_redraw(err_fd)),
      out_is_terminal_(::isatty(out_fd) == 1) {}

Console::~Console() { draw({}); }

void Console::out(std::string_view text) {
  const std::lock_guard lock(mutex_);
  // The two outputs are the same screen only when both are terminals.
  const bool shared = out_is_terminal_ && !drawn_.empty();
  if (shared) write_all(err_fd_, erased());
  write_out(text);
  if (shared) write_all(err_fd_, block());
}

void Console::out_line(std::string_view line) { out(std::string(line) + "\n"); }

void Console::err_line(std::string_view line) {
  const std::lock_guard lock(mutex_);
  write_all(err_fd_, erased() + std::string(line) + "\n" + block());
}

void Console::message(std::string_view text) { err_line(message_line(text)); }

void Console::message_if_free(std::string_view text) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  pollfd ready{.fd = err_fd_, .events = POLLOUT, .revents = 0};
  if (!lock.owns_lock() || ::poll(&ready, 1, 0) != 1) return;
  write_all(err_fd_, erased() + message_line(text) + "\n" + block());
}

void Console::draw(std::vector<std::string> lines) {
  const std::lock_guard lock(mutex_);
  if (lines.empty() && drawn_.empty()) return;
  const std::string before = erased();
  drawn_ = std::move(lines);
  write_all(err_fd_, before + block());
}

TerminalSize Console::terminal_size() const {
  winsize size{};
  if (::ioctl(err_fd_, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return {};
  return {.columns = size.ws_col, .rows = size.ws_row == 0 ? 24U : size.ws_row};
}

bool Console::out_closed() const {
  const std::lock_guard lock(mutex_);
  return out_closed_;
}

int Console::out_error() const {
  const std::lock_guard lock(mutex_);
  return out_error_;
}

void Console::write_out(std::string_view text) {
  if (out_closed_) return;
  const int error = write_all(out_fd_, text);
  if (error == 0) return;
  out_closed_ = true;
  if (error != EPIPE) out_error_ = error;
}

std::string Console::erased() const {
  if (drawn_.empty()) return "";
  return "\r\033[" + std::to_string(drawn_.size()) + "A\033[J";
}

std::string Console::block() const {
  std::string text;
  for (const std::string& line : drawn_) text += line + "\n";
  return text;
}

}  // namespace cloudsync::cli

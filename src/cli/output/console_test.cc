// SPDX-License-Identifier: Apache-2.0
#include "cli/output/console.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace cloudsync::cli {
namespace {

class Pipe {
 public:
  Pipe() { EXPECT_EQ(::pipe2(ends_, O_CLOEXEC), 0); }
  ~Pipe() {
    close_reader();
    ::close(ends_[1]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int writer() const { return ends_[1]; }
  void close_reader() {
    if (ends_[0] >= 0) ::close(ends_[0]);
    ends_[0] = -1;
  }
  std::string read_now() const {
    std::string text(65536, '\0');
    pollfd ready{.fd = ends_[0], .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, 0) != 1) return "";
    const ssize_t n = ::read(ends_[0], text.data(), text.size());
    text.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
    return text;
  }

 private:
  int ends_[2] = {-1, -1};
};

// The two ends of a pseudo-terminal that changes nothing of what is written.
class Terminal {
 public:
  Terminal() {
    ::setenv("TERM", "xterm", 1);
    master_ = ::posix_openpt(O_RDWR | O_NOCTTY);
    EXPECT_EQ(::grantpt(master_), 0);
    EXPECT_EQ(::unlockpt(master_), 0);
    slave_ = ::open(::ptsname(master_), O_RDWR | O_NOCTTY);
    winsize size{.ws_row = 10, .ws_col = 33, .ws_xpixel = 0, .ws_ypixel = 0};
    ::ioctl(slave_, TIOCSWINSZ, &size);
  }
  ~Terminal() {
    ::close(slave_);
    ::close(master_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  int fd() const { return slave_; }
  std::string read_now() const {
    std::string text(65536, '\0');
    const ssize_t n = ::read(master_, text.data(), text.size());
    text.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
    for (std::size_t at; (at = text.find("\r\n")) != std::string::npos;)
      text.erase(at, 1);
    return text;
  }

 private:
  int master_ = -1;
  int slave_ = -1;
};

TEST(Console, LinesAreOutWhenTheCallReturns) {
  const Pipe out;
  const Pipe err;
  Console console(out.writer(), err.writer());
  console.out_line("one");
  EXPECT_EQ(out.read_now(), "one\n");
  console.err_line("two");
  EXPECT_EQ(err.read_now(), "two\n");
  EXPECT_FALSE(console.err_is_terminal());
}

TEST(Console, MessagesShowControlCharactersInsteadOfSendingThem) {
  const Pipe out;
  const Pipe err;
  Console console(out.writer(), err.writer());
  console.message("name \x1b[2J");
  const std::string text = err.read_now();
  EXPECT_EQ(text.substr(0, 16), "cloudsync: name ");
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(Console, ReaderThatLeavesIsNoCrash) {
  ::signal(SIGPIPE, SIG_IGN);
  Pipe out;
  const Pipe err;
  Console console(out.writer(), err.writer());
  out.close_reader();
  console.out_line("lost");
  console.out_line("lost");
  EXPECT_TRUE(console.out_closed());
  EXPECT_EQ(console.out_error(), 0);
}

TEST(Console, FullDiskIsRemembered) {
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  if (full < 0) GTEST_SKIP() << "no /dev/full here";
  const Pipe err;
  {
    Console console(full, err.writer());
    console.out_line("lost");
    EXPECT_EQ(console.out_error(), ENOSPC);
  }
  ::close(full);
}

TEST(Console, BlockIsRedrawnInPlaceInOneWrite) {
  const Pipe out;
  const Terminal terminal;
  Console console(out.writer(), terminal.fd());
  ASSERT_TRUE(console.err_is_terminal());
  console.draw({"a", "b"});
  EXPECT_EQ(terminal.read_now(), "a\nb\n");
  console.draw({"c"});
  EXPECT_EQ(terminal.read_now(), "\r\033[2A\033[Jc\n");
}

TEST(Console, LinesGoAboveTheBlock) {
  const Pipe out;
  const Terminal terminal;
  Console console(out.writer(), terminal.fd());
  console.draw({"busy"});
  terminal.read_now();
  console.err_line("warning");
  EXPECT_EQ(terminal.read_now(), "\r\033[1A\033[Jwarning\nbusy\n");
  console.out_line("result");
  EXPECT_EQ(out.read_now(), "result\n");
}

TEST(Console, BlockIsGoneAtTheEnd) {
  const Pipe out;
  const Terminal terminal;
  {
    Console console(out.writer(), terminal.fd());
    console.draw({"busy"});
    terminal.read_now();
  }
  EXPECT_EQ(terminal.read_now(), "\r\033[1A\033[J");
}

TEST(Console, TellsTheSizeOfTheTerminal) {
  const Pipe out;
  const Terminal terminal;
  const Console console(out.writer(), terminal.fd());
  EXPECT_EQ(console.terminal_size().columns, 33U);
  EXPECT_EQ(console.terminal_size().rows, 10U);
}

}  // namespace
}  // namespace cloudsync::cli
